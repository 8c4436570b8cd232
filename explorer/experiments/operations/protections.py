"""Ways to take something from features before they are sent, so that nobody reads the picture from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from explorer.experiments.operations.edits import (
    Maps,
    add_noise,
    drop_channels,
    quantise_channels,
    rotate_channels,
)


@dataclass(frozen=True, slots=True)
class Protection:
    """One way to take something from features: the unit of its amount, the default, those of the curve."""

    label: str
    amount: str
    default: float
    curve: tuple[float, ...]
    apply: Callable[[Maps, float, torch.Generator], Maps]


def _drop(features: Maps, share: float, generator: torch.Generator) -> Maps:
    count = features.shape[1]
    dropped = torch.randperm(count, generator=generator)[: round(share * count)].tolist()
    return drop_channels(features, dropped, torch.zeros(count).to(features))


def _keep_bits(features: Maps, bits: float, _: torch.Generator) -> Maps:
    return quantise_channels(features, int(bits))


PROTECTIONS: Mapping[str, Protection] = {
    "noise": Protection("noise", "size of the noise", 1, (0, 0.25, 0.5, 1, 2, 4), add_noise),
    "bits": Protection(
        "few bits", "bits a value", 2, (8, 4, 3, 2, 1), _keep_bits
    ),
    "channels": Protection("dropped channels", "share dropped", 0.5, (0, 0.25, 0.5, 0.75, 0.9, 0.97), _drop),
    "rotation": Protection(
        "a rotation known to nobody", "share rotated", 0.5, (0, 0.1, 0.25, 0.5, 0.75, 1), rotate_channels
    ),
}  # fmt: skip
