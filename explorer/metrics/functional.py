"""How close a reconstruction is to the picture (PSNR, SSIM, LPIPS) and its features (error, cosine, top-5).

Every function compares two batches and returns one number per member. The optimiser never sees one.
"""

from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from urllib.parse import urlparse
from warnings import catch_warnings, simplefilter

import lpips
import skimage.metrics
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity
from torchvision.models import AlexNet_Weights

from explorer.images import Images
from explorer.machine import DOWNLOAD_TIMEOUT_SECONDS, socket_timeout

TOP = 5
# Wang et al. (2004): an 11x11 Gaussian window of sigma 1.5; scikit-image derives the 11 from the sigma.
SSIM_SIGMA = 1.5


class MetricUnavailable(RuntimeError):
    """A metric that cannot be computed here; the message says why."""


@dataclass(frozen=True, slots=True)
class Scores:
    """All metrics of one reconstruction; one that is None has its reason in `reasons`."""

    psnr_db: float | None
    ssim: float | None
    lpips: float | None
    feature_error: float | None
    feature_cosine: float | None
    top5_agreement: float | None
    reasons: dict[str, str] = field(default_factory=dict)


def psnr(images: Images, original: Images) -> Float[Tensor, "batch"]:
    """Compute the peak signal-to-noise ratio in dB, from 0 (black against white) to infinity (equal)."""
    squared_error = (images - original).square().flatten(1).mean(1)
    return -10 * squared_error.log10()


def ssim(images: Images, original: Images) -> Float[Tensor, "batch"]:
    """Compute the structural similarity in [-1, 1], mean over pixels and channels (Wang et al. 2004)."""
    pairs = zip(images.detach().cpu().numpy(), original.detach().cpu().numpy(), strict=True)
    values = [
        skimage.metrics.structural_similarity(
            image,
            reference,
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
        )
        for image, reference in pairs
    ]
    return torch.tensor(values, dtype=torch.float32)


def feature_error(
    features: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch"]:
    """Compute ||f - t||^2 / ||t||^2, the relative error that Mahendran & Vedaldi (2015) minimise."""
    return (features - target).square().flatten(1).sum(1) / target.square().flatten(1).sum(1)


def feature_cosine(
    features: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch"]:
    """Compute the cosine of the angle between two feature tensors, in [-1, 1]."""
    return cosine_similarity(features.flatten(1), target.flatten(1))


def top5_agreement(
    logits: Float[Tensor, "batch classes"], target: Float[Tensor, "batch classes"]
) -> Float[Tensor, "batch"]:
    """Compute the share of the target's five likeliest classes that are also among the five of `logits`."""
    ours, theirs = logits.topk(TOP).indices, target.topk(TOP).indices
    return (ours[:, :, None] == theirs[:, None, :]).any(1).float().mean(1)


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
        if not _alexnet_file().is_file():
            AlexNet_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
        return lpips.LPIPS(net="alex", verbose=False).requires_grad_(False)


def _alexnet_file() -> Path:
    name = Path(urlparse(AlexNet_Weights.IMAGENET1K_V1.url).path).name
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def _explain(error: Exception) -> str:
    path = _alexnet_file()
    if path.is_file():
        return (
            f"LPIPS needs AlexNet's weights, but {path} is damaged; delete it so that it is downloaded again."
        )
    return (
        f"LPIPS needs AlexNet's weights: connect to the network once, or put their file at {path} ({error})."
    )
