"""The example pictures: free ones that scikit-image brings along, so every machine has them."""

from collections.abc import Callable

import numpy as np
import PIL.Image
import skimage.data

from explorer.decoding.decode import check_crop
from explorer.decoding.square import CENTRE, Crop, Pixels, shrink
from explorer.images import SIZE, ImageError, Picture, prepare

_LOADERS: dict[str, Callable[[], np.ndarray]] = {
    "astronaut": skimage.data.astronaut,
    "cat": skimage.data.cat,
    "coffee": skimage.data.coffee,
    "galaxies": skimage.data.hubble_deep_field,
    "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],
    "rocket": skimage.data.rocket,
}
EXAMPLES = tuple(_LOADERS)


def load_example(name: str, *, size: int = SIZE, crop: Crop = CENTRE) -> Picture:
    """Load a square of one of the EXAMPLES as a picture.

    Raises:
        ImageError: there is no example of this name, or the square has too few pixels.
    """
    whole = _open(name)
    check_crop(whole.size, crop.side)
    return Picture(name=name, images=prepare(whole, size, crop))


def load_whole_example(name: str, longest: int) -> Pixels:
    """Load all of one of the EXAMPLES, no side longer than so many pixels; raises as `load_example`."""
    return shrink(_open(name), longest)


def _open(name: str) -> PIL.Image.Image:
    if name not in _LOADERS:
        raise ImageError(f"No example is called {name!r}; choose one of {', '.join(EXAMPLES)}.")
    return PIL.Image.fromarray(_LOADERS[name]())
