"""The example pictures: free ones that scikit-image brings along, so every machine has them."""

from collections.abc import Callable

import numpy as np
import PIL.Image
import skimage.data

from explorer.decoding.square import CENTRE, Crop
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
    """Load a square of one of the EXAMPLES as a picture; raises ImageError for any other name."""
    if name not in _LOADERS:
        raise ImageError(f"No example is called {name!r}; choose one of {', '.join(EXAMPLES)}.")
    return Picture(name=name, images=prepare(PIL.Image.fromarray(_LOADERS[name]()), size, crop))
