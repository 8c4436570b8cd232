"""Ridge regression in closed form: from maps, such as one node's features, to the patches of pictures."""

from collections.abc import Iterable
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


class LinearDecoderError(ExplorerError):
    """A node whose features no linear decoder reads; the message says why."""


@dataclass(frozen=True, slots=True)
class LinearMap:
    """A fitted regression: standardised k x k neighbourhoods of features to patches of the picture."""

    mean: Float[Tensor, "channels"]
    std: Float[Tensor, "channels"]
    weight: Float[Tensor, "patch channels k k"]
    bias: Float[Tensor, "patch"]


@torch.no_grad()
def fit_linear_map(pairs: Iterable[tuple[Tensor, Images]], *, ridge: float | None = None) -> LinearMap:
    """Regress pictures on maps, such as features, by the normal equations, in one pass over the batches.

    ``ridge`` is relative to the mean variance of the regressors; None takes the neighbourhood's own.

    Channels are standardised with the first batch's statistics; that conditions the problem and leaves its
    solution the same but for the ridge.
    """
    sums: _NormalEquations | None = None
    for features, images in pairs:
        if sums is None:
            sums = _NormalEquations(features, images)
        sums.add(features, images)
    if sums is None:
        raise ValueError("A linear decoder needs at least one picture.")
    return sums.solve(RIDGE[sums.kernel] if ridge is None else ridge)


class _NormalEquations:
    """Accumulates X'X and X'Y over features X (with a constant) and picture patches Y."""

    def __init__(self, features: Tensor, images: Images) -> None:
        if features.ndim != 4 or images.shape[-1] % features.shape[-1]:
            raise LinearDecoderError(
                "A linear decoder needs a feature map that divides the picture, "
                f"not features of shape {tuple(features.shape)}."
            )
        self.stride = images.shape[-1] // features.shape[-1]
        if self.stride > MAX_STRIDE:
            raise LinearDecoderError(
                f"A linear decoder needs a feature map with a cell for {MAX_STRIDE}x{MAX_STRIDE} pixels "
                f"at most, not for {self.stride}x{self.stride}."
            )
        self.mean = features.mean(dim=(0, 2, 3))
        self.std = features.std(dim=(0, 2, 3)).clamp_min(1e-3 * features.std().item() + 1e-8)
        self.kernel = 3 if features.shape[1] <= MAX_NEIGHBOURHOOD_CHANNELS else 1
        size = features.shape[1] * self.kernel**2 + 1
        self.gram = torch.zeros(size, size, dtype=torch.float64, device=features.device)
        self.moment = torch.zeros(size, 3 * self.stride**2, dtype=torch.float64, device=features.device)
        self.generator = torch.Generator().manual_seed(0)

    def add(self, features: Tensor, images: Images) -> None:
        standardised = (features - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        columns = functional.unfold(standardised, self.kernel, padding=self.kernel // 2)
        x = columns.transpose(1, 2).flatten(0, 1)
        y = functional.pixel_unshuffle(images, self.stride).flatten(2).transpose(1, 2).flatten(0, 1)
        chosen = torch.randperm(len(x), generator=self.generator)[:MAX_ROWS_PER_BATCH]
        x, y = torch.cat([x[chosen], x.new_ones(len(chosen), 1)], dim=1), y[chosen]
        self.gram += x.T @ x
        self.moment += x.T @ y

    def solve(self, ridge: float) -> LinearMap:
        penalty = ridge * self.gram.diagonal()[:-1].mean()
        gram = self.gram.clone()
        gram.diagonal()[:-1] += penalty  # The constant is not shrunk.
        solution = torch.linalg.solve(gram, self.moment).float()
        channels = len(self.mean)
        weight = solution[:-1].T.reshape(-1, channels, self.kernel, self.kernel).contiguous()
        return LinearMap(self.mean, self.std, weight, solution[-1].contiguous())
