"""LPIPS, the perceptual distance of Zhang et al. (2018), on features that come with this repository."""

from threading import Lock
from warnings import catch_warnings, simplefilter

import lpips
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from explorer.errors import MetricUnavailable
from explorer.images import Images
from explorer.weight_files import ALEXNET, SQUEEZENET, BundledFileError

FEATURES = {"alex": ALEXNET, "squeeze": SQUEEZENET}


class Lpips:
    """LPIPS-Alex (version 0.1), 0 for equal pictures; loaded on first use. Threads may share one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._model: lpips.LPIPS | None = None

    def __call__(self, images: Images, original: Images) -> Float[Tensor, "batch"]:
        """Compute the perceptual distance; raises MetricUnavailable without AlexNet's features."""
        model = self._load().to(images.device)
        with torch.no_grad():
            return model(images, original, normalize=True).flatten()

    def _load(self) -> lpips.LPIPS:
        with self._lock:
            if self._model is None:
                try:
                    self._model = load_lpips("alex")
                except BundledFileError as error:
                    raise MetricUnavailable(f"LPIPS needs AlexNet's features: {error}") from error
            return self._model


def load_lpips(network: str) -> lpips.LPIPS:
    """Build LPIPS on the features of ``alex`` or ``squeeze``, frozen.

    Raises:
        BundledFileError: the features' file is missing or altered.
    """
    features = load_file(FEATURES[network].locate())
    with catch_warnings():
        simplefilter("ignore")  # lpips calls torchvision by a deprecated argument.
        # Without `pnet_rand` lpips would have torchvision download the whole classifier.
        model = lpips.LPIPS(net=network, pnet_rand=True, verbose=False)
    # lpips slices the features: its "slice2.3.weight" is their "3.weight".
    model.net.load_state_dict({name: features[name.split(".", 1)[1]] for name in model.net.state_dict()})
    return model.eval().requires_grad_(False)
