"""How close a reconstruction is to the picture (PSNR, SSIM) and its features (error, cosine, top-5).

Every function compares two batches and returns one number per member. The optimiser never sees one.
"""

import skimage.metrics
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from explorer.images import Images

TOP = 5
# Wang et al. (2004): an 11x11 Gaussian window of sigma 1.5; scikit-image derives the 11 from the sigma.
SSIM_SIGMA = 1.5


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


def grid_ratio(images: Images, period: int) -> Float[Tensor, "batch"]:
    """Compute how much neighbouring pixels differ across the borders of cells, relative to elsewhere.

    ``period`` is the side of a cell in pixels. 1 for photos; a picture drawn cell by cell has more.
    """
    sides = [images.diff(dim=dim).abs().movedim(dim, -1).flatten(1, -2) for dim in (-2, -1)]
    steps = torch.cat(sides, dim=1).mean(1)  # Between each pixel and the next, over rows and columns.
    is_border = torch.arange(1, steps.shape[-1] + 1, device=images.device) % period == 0
    return steps[:, is_border].mean(1) / steps[:, ~is_border].mean(1)


def top5_agreement(
    logits: Float[Tensor, "batch classes"], target: Float[Tensor, "batch classes"]
) -> Float[Tensor, "batch"]:
    """Compute the share of the target's five likeliest classes that are also among the five of `logits`.

    Of a network with fewer classes it takes all.
    """
    count = min(TOP, logits.shape[1])
    ours, theirs = logits.topk(count).indices, target.topk(count).indices
    return (ours[:, :, None] == theirs[:, None, :]).any(1).float().mean(1)
