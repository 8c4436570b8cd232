// What other decoders tell of a visitor's own picture, as the stage reads it: ui/stage/second_looks.py in a browser.
// `bundle` has each decoder's label and place on the dial, the dial's shares, and where a veil is full; `draw` makes a
// picture's address. Gives what writes the dial and the veils.
window.explorerOwnLooks = ({ labels, places, shares, fullQuantile }, draw) => {
  // The value below which this share of the numbers lies.
  function quantile(values, share) {
    const sorted = [...values].sort((a, b) => a - b), at = share * (sorted.length - 1), low = Math.floor(at);
    return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
  }

  // A pixel for each block, opaque where two decoders disagree most.
  function drawVeil(blocks) {
    const side = Math.sqrt(blocks.length), pixels = new ImageData(side, side), full = quantile(blocks, fullQuantile) || Number.MIN_VALUE;
    blocks.forEach((value, i) => { pixels.data[4 * i + 3] = Math.round(255 * Math.min(1, value / full)); });
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas.toDataURL("image/png");
  }

  const finite = (value) => (Number.isFinite(value) ? value : null);

  const writeDial = ({ faithful, likely, psnr_db, lpips }, variant) => ({
    faithful: draw(faithful), likely: draw(likely), shares, psnr_db: psnr_db.map(finite), lpips: lpips.map(finite), place: places[variant],
  });

  return (looks, decoded) => {
    const all = Object.entries(looks), mixed = all.filter(([, { mixtures }]) => mixtures);
    return {
      dial: Object.fromEntries(mixed.map(([layer, { mixtures }]) => [layer, writeDial(mixtures, decoded[layer].variant)])),
      doubts: Object.fromEntries(all.map(([layer, { blocks, foresight, second }]) => [layer, { veil: drawVeil(blocks), foresight, second: labels[second] }])),
    };
  };
};
