"""What the stage shows of a layer's other decoders: the dial between two, and a veil where two disagree."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from jaxtyping import Float
from torch import Tensor

from explorer.decoders.mixed import CONSISTENT_SHARE, MIXED
from explorer.images import quantise
from explorer.lab.between import FAITHFUL, LIKELY, SHARES, Between, Doubt
from explorer.lab.methods import METHODS, OnePass
from explorer.lab.run import Reconstruction
from explorer.ui.stage.encoding import data_uri, still

# Where a picture stands between the faithful and the likely one, by the method that made it.
PLACES = {FAITHFUL: 0.0, MIXED: CONSISTENT_SHARE, LIKELY: 1.0}
# The veil is full where two decoders disagree as much as in the worst twentieth of the picture.
FULL_QUANTILE = 0.95


def show_second_looks(
    results: Mapping[str, Reconstruction], between: Mapping[str, Between], doubts: Mapping[str, Doubt]
) -> dict[str, Any]:
    """Write both as the stage understands them, by layer."""
    return {
        "dial": {layer: _show_between(one, results[layer]) for layer, one in between.items()},
        "doubts": {layer: _show_doubt(one) for layer, one in doubts.items()},
    }


def draw_veil(blocks: Float[Tensor, "rows columns"]) -> bytes:
    """Draw disagreement as a PNG, a pixel for each block, which is opaque where it is greatest."""
    values = blocks.numpy()
    full = max(float(np.quantile(values, FULL_QUANTILE)), np.finfo(np.float32).tiny)
    opacity = (255 * np.clip(values / full, 0, 1)).round().astype(np.uint8)
    buffer = BytesIO()
    PIL.Image.fromarray(np.stack([np.zeros_like(opacity), opacity], axis=-1), "LA").save(buffer, "PNG")
    return buffer.getvalue()


def _show_between(between: Between, made: Reconstruction) -> dict[str, Any]:
    return {
        "faithful": still(quantise(between.faithful)),
        "likely": still(quantise(between.likely)),
        "shares": SHARES,
        "psnr_db": between.psnr_db,
        "lpips": between.lpips,
        "place": PLACES.get(made.method),
    }


def _show_doubt(doubt: Doubt) -> dict[str, Any]:
    second = METHODS[doubt.second]
    assert isinstance(second, OnePass)  # By the list of second opinions.
    return {
        "veil": data_uri(draw_veil(doubt.blocks), "png"),
        "foresight": doubt.foresight,
        "second": second.label,
    }
