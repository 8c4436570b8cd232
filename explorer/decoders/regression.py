"""Ridge regression in closed form: from maps, such as one node's features, to the patches of pictures."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explorer.errors import ExplorerError
from explorer.images import Images

# Up to this many channels a 3x3 neighbourhood of features is regressed within the minute on two cores.
MAX_NEIGHBOURHOOD_CHANNELS = 512
# Pixels of the picture per cell, by side: that of layer4. Each cell of a coarser map, such as the only one of
# avgpool, stands for so many pixels that the fit takes very long, on too few cells to be of use.
MAX_STRIDE = 32
# Ridge strength relative to the mean variance of the regressors, by the side of the neighbourhood. Few
# pictures do not determine the many channels of deep layers: layer4 gains 1.3 dB from .001 to .1 (examples).
RIDGE = {3: 1e-3, 1: 0.1}
# Positions used of each batch, drawn at random: a tall regression needs no more, and shallow maps have many.
MAX_ROWS_PER_BATCH = 4096


# Pictures, or other maps whose sides the features' divide.
Targets = Float[Tensor, "batch colours height width"]


class LinearDecoderError(ExplorerError):
    """A node whose features no linear decoder reads; the message says why."""


@dataclass(frozen=True, slots=True)
class LinearMap:
    """A fitted regression: standardised k x k neighbourhoods of features to patches of the picture.

    A patch is the pixels of a position's cell, or, with a reach of 2, the square twice as wide around it.
    """

    mean: Float[Tensor, "channels"]
    std: Float[Tensor, "channels"]
    weight: Float[Tensor, "patch channels k k"]
    bias: Float[Tensor, "patch"]


@torch.no_grad()
def fit_linear_map(
    pairs: Iterable[tuple[Tensor, Images]], *, ridge: float | None = None, reach: int = 1
) -> LinearMap:
    """Regress pictures on maps, such as features, by the normal equations, in one pass over the batches.

    ``ridge`` is relative to the mean variance of the regressors; None takes the neighbourhood's own.
    ``reach`` is the side of the patches, in cells.
    """
    fitting = walk_linear_map(pairs, ridge=ridge, reach=reach)
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            return end.value


def walk_linear_map(
    pairs: Iterable[tuple[Tensor, Images]], *, ridge: float | None = None, reach: int = 1
) -> Generator[None, None, LinearMap]:
    """Fit as `fit_linear_map` does, pausing after each batch."""
    sums: NormalEquations | None = None
    for features, images in pairs:
        with torch.no_grad():
            if sums is None:
                kernel = 3 if features.shape[1] <= MAX_NEIGHBOURHOOD_CHANNELS else 1
                sums = NormalEquations(features, images, kernel=kernel, reach=reach)
            sums.add(features, images)
        yield
    if sums is None:
        raise ValueError("A linear decoder needs at least one picture.")
    solution = sums.solve(RIDGE[sums.kernel] if ridge is None else ridge).float()
    shape = (-1, len(sums.mean), sums.kernel, sums.kernel)
    return LinearMap(
        sums.mean, sums.std, solution[:-1].T.reshape(shape).contiguous(), solution[-1].contiguous()
    )


def cut_patches(images: Targets, stride: int, reach: int = 1) -> Float[Tensor, "batch patch cells"]:
    """Cut a patch of ``reach`` cells around each cell of ``stride`` pixels; past the border is its mirror."""
    margin = stride * (reach - 1) // 2
    padded = functional.pad(images, (margin,) * 4, mode="reflect") if margin else images
    return functional.unfold(padded, reach * stride, stride=stride)


class NormalEquations:
    """Sums X'X and X'Y over k x k neighbourhoods of features X, with a constant, and picture patches Y.

    Channels are standardised with the first batch's statistics; that conditions the problem and leaves its
    solution the same but for the ridge. Batches may be summed up in several parts, as some are held out.

    Raises:
        LinearDecoderError: the features are no map that divides the picture, or too coarse a one.
    """

    def __init__(
        self, features: Tensor, images: Targets, *, kernel: int, parts: int = 1, reach: int = 1
    ) -> None:
        self.reach = reach
        self.stride = _find_stride(features, images)
        self.kernel = kernel
        self.mean = features.mean(dim=(0, 2, 3))
        self.std = features.std(dim=(0, 2, 3)).clamp_min(1e-3 * features.std().item() + 1e-8)
        size, patch = features.shape[1] * kernel**2 + 1, images.shape[1] * (reach * self.stride) ** 2
        self.gram = torch.zeros(parts, size, size, dtype=torch.float64, device=features.device)
        self.moment = torch.zeros(parts, size, patch, dtype=torch.float64, device=features.device)
        self._generator = torch.Generator().manual_seed(0)

    def add(self, features: Tensor, images: Targets, *, part: int = 0) -> None:
        """Add a batch to one part's sums."""
        standardised = (features - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        columns = functional.unfold(standardised, self.kernel, padding=self.kernel // 2)
        x = columns.transpose(1, 2).flatten(0, 1)
        y = cut_patches(images, self.stride, self.reach).transpose(1, 2).flatten(0, 1)
        chosen = torch.randperm(len(x), generator=self._generator)[:MAX_ROWS_PER_BATCH]
        x, y = torch.cat([x[chosen], x.new_ones(len(chosen), 1)], dim=1), y[chosen]
        self.gram[part] += x.T @ x
        self.moment[part] += x.T @ y

    def solve(self, ridge: float, parts: slice = slice(None)) -> Float[Tensor, "regressors patch"]:
        """Compute the weights of these parts together, those of the constant last."""
        gram, moment = self.gram[parts].sum(0), self.moment[parts].sum(0)
        gram.diagonal()[:-1] += ridge * gram.diagonal()[:-1].mean()  # The constant is not shrunk.
        return torch.cholesky_solve(moment, torch.linalg.cholesky(gram))


def _find_stride(features: Tensor, images: Targets) -> int:
    if features.ndim != 4 or images.shape[-1] % features.shape[-1]:
        raise LinearDecoderError(
            "A linear decoder needs a feature map that divides the picture, "
            f"not features of shape {tuple(features.shape)}."
        )
    stride = images.shape[-1] // features.shape[-1]
    if stride > MAX_STRIDE:
        raise LinearDecoderError(
            f"A linear decoder needs a feature map with a cell for {MAX_STRIDE}x{MAX_STRIDE} pixels "
            f"at most, not for {stride}x{stride}."
        )
    return stride
