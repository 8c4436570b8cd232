// What of a picture is still in another: measured in the browser on the two pictures themselves.
window.explorerMeasure = (() => {
  const GRID = 8, FINE = 112; // Cells along a side for colours and places; pixels along a side for lines.
  const KEPT = 0.5; // From here on something counts as kept: half of its variance is explained.

  async function read(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    const sheet = new OffscreenCanvas(FINE, FINE).getContext("2d", { willReadFrequently: true });
    sheet.imageSmoothingQuality = "high";
    sheet.drawImage(image, 0, 0, FINE, FINE);
    return sheet.getImageData(0, 0, FINE, FINE).data;
  }

  const luminance = (data) => Float64Array.from({ length: data.length / 4 }, (_, at) =>
    0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2]);
  // How much redder and bluer than grey each pixel is.
  const chroma = (data, grey) => [0, 2].map((channel) => grey.map((value, at) => data[4 * at + channel] - value));

  // The means over cells of a FINE x FINE map.
  function cells(map) {
    const side = FINE / GRID, sums = new Float64Array(GRID * GRID);
    map.forEach((value, at) => {
      sums[Math.floor(Math.floor(at / FINE) / side) * GRID + Math.floor((at % FINE) / side)] += value / side ** 2;
    });
    return sums;
  }

  // The share of the wanted values' distance from `base` that the found ones explain; 1 for equal, 0 for none.
  function explained(found, wanted, base) {
    const energy = wanted.reduce((sum, value) => sum + (value - base) ** 2, 0);
    const error = wanted.reduce((sum, value, at) => sum + (value - found[at]) ** 2, 0);
    return energy > 0 ? Math.max(0, 1 - error / energy) : 1;
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function edges(grey) {
    const found = [];
    for (let y = 0; y < FINE - 1; y++) for (let x = 0; x < FINE - 1; x++) {
      const at = y * FINE + x;
      found.push(Math.hypot(grey[at + 1] - grey[at], grey[at + FINE] - grey[at]));
    }
    return found;
  }

  // Returns the explained shares of colours, places and lines.
  async function compare(source, original) {
    const [found, wanted] = await Promise.all([read(source), read(original)]);
    const [grey, wantedGrey] = [luminance(found), luminance(wanted)];
    const colours = (data, map) => chroma(data, map).flatMap((plane) => [...cells(plane)]);
    const [lines, wantedLines] = [edges(grey), edges(wantedGrey)];
    return {
      colours: explained(colours(found, grey), colours(wanted, wantedGrey), 0),
      places: explained(cells(grey), cells(wantedGrey), mean(wantedGrey)),
      lines: explained(lines, wantedLines, mean(wantedLines)),
    };
  }

  return { compare, explained, KEPT };
})();
