"""LPIPS, the perceptual distance of Zhang et al. (2018), on AlexNet's weights."""

from pickle import UnpicklingError
from threading import Lock
from warnings import catch_warnings, simplefilter

import lpips
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.models import AlexNet_Weights

from explorer.errors import MetricUnavailable
from explorer.images import Images
from explorer.machine import DOWNLOAD_TIMEOUT_SECONDS, hub_file, socket_timeout


class Lpips:
    """LPIPS-Alex (Zhang et al. 2018, version 0.1), 0 for equal pictures; loaded on first use.

    Threads may share one. Without AlexNet's weights every call raises MetricUnavailable at once, after one
    short attempt to download them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._model: lpips.LPIPS | None = None
        self._reason: str | None = None

    def __call__(self, images: Images, original: Images) -> Float[Tensor, "batch"]:
        """Compute the perceptual distance; raises MetricUnavailable without AlexNet's weights."""
        model = self._load().to(images.device)
        with torch.no_grad():
            return model(images, original, normalize=True).flatten()

    def _load(self) -> lpips.LPIPS:
        with self._lock:
            if self._model is None and self._reason is None:
                try:
                    self._model = _load_lpips()
                except (OSError, RuntimeError, UnpicklingError, EOFError) as error:
                    self._reason = _explain(error)
            if self._model is None:
                raise MetricUnavailable(self._reason)
            return self._model


def _load_lpips() -> lpips.LPIPS:
    with socket_timeout(DOWNLOAD_TIMEOUT_SECONDS), catch_warnings():
        simplefilter("ignore")  # lpips calls torchvision by a deprecated argument.
        if not hub_file(AlexNet_Weights.IMAGENET1K_V1.url).is_file():
            AlexNet_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
        return lpips.LPIPS(net="alex", verbose=False).requires_grad_(False)


def _explain(error: Exception) -> str:
    path = hub_file(AlexNet_Weights.IMAGENET1K_V1.url)
    if path.is_file():
        return (
            f"LPIPS needs AlexNet's weights, but {path} is damaged; delete it so that it is downloaded again."
        )
    return (
        f"LPIPS needs AlexNet's weights: connect to the network once, or put their file at {path} ({error})."
    )
