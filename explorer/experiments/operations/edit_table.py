"""The edits that can be chosen by name: what their amount means, its bounds, and the amounts of the curve."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from explorer.errors import cut
from explorer.experiments.operations.components import Components
from explorer.experiments.operations.edits import (
    Centre,
    EditError,
    Maps,
    Region,
    add_noise,
    blur_positions,
    drop_channels,
    keep_components,
    keep_region,
    keep_top_channels,
    quantise_channels,
    shuffle_positions,
)

# Powers of two, as far as there are channels.
COUNTS = tuple(2**power for power in range(12))
MAX_DIGITS = 9  # Of a channel's number.


@dataclass(frozen=True, slots=True)
class Context:
    """What edits may need beside the features and their amount."""

    components: Callable[[], Components]  # Slow the first time, so asked for by those alone that need it.
    centre: Callable[[], Centre]
    channels: str
    region: str
    seed: int

    def generator(self) -> torch.Generator:
        """Make the source of randomness, the same at every call."""
        return torch.Generator().manual_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: `amount` names its unit, empty where it has none; `curve` lists amounts to measure.

    An amount goes from `low` to the end of the curve, or to the layer's channels where it counts them.
    """

    label: str
    amount: str
    default: float
    curve: tuple[float, ...]
    apply: Callable[[Maps, float, Context], Maps]
    is_count: bool = False  # Of channels or components, so that the layer limits it.
    low: float = 0
    step: float = 1

    def high(self, channels: int) -> float:
        """Name the largest amount at a layer of so many channels; 0 for an edit without an amount."""
        return channels if self.is_count else max(self.curve, default=0)

    def take_amount(self, given: float | None, channels: int) -> float:
        """Return the amount to edit with: the given one, or the default; the default for an edit without.

        Raises:
            EditError: the amount is out of range.
        """
        high = self.high(channels)
        if given is None or not self.amount:
            return min(self.default, high)
        if not self.low <= given <= high:
            raise EditError(f"amount is from {self.low:g} to {high:g}, not {given:g}.")
        return given


def amounts_of_curve(edit: Edit, channels: int) -> tuple[float, ...]:
    """List the amounts to measure at a layer of so many channels; counts end with all of them."""
    if not edit.is_count:
        return edit.curve
    return (*(count for count in edit.curve if count < channels), channels)


def parse_channels(text: str, count: int) -> set[int]:
    """Read a list of channels, of which there are `count`, such as `0-63,128`; both ends belong to a range.

    Raises:
        EditError: a part is neither a number nor a range, or names a channel that does not exist.
    """
    channels: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdecimal() for end in ends):
            raise EditError(
                f"'{cut(text)}' is no list of channels; write numbers and ranges, as in 0-63,128."
            )
        for end in ends:  # Looked at before the range is written out, which could fill the memory.
            if len(end) > MAX_DIGITS or int(end) >= count:
                raise EditError(f"There is no channel {cut(end)}: these features have 0 to {count - 1}.")
        channels.update(range(int(ends[0]), int(ends[1]) + 1))
    return channels


def parse_region(text: str, rows: int, columns: int) -> Region:
    """Read a region: `left,top,right,bottom` as shares of the sides, or one cell as `row,column` from 0.

    Raises:
        EditError: it is neither, or lies outside.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 4:
        return Region(*numbers)
    if len(numbers) != 2 or not all(math.isfinite(one) and one == int(one) for one in numbers):
        raise EditError(
            f"'{cut(text)}' is no region; write left,top,right,bottom from 0 to 1, or a cell as row,column."
        )
    row, column = map(int, numbers)
    if not (0 <= row < rows and 0 <= column < columns):
        raise EditError(f"There is no cell {row},{column}: this layer has {rows} rows and {columns} columns.")
    return Region(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)


def _keep_region(features: Maps, _: float, context: Context) -> Maps:
    return keep_region(features, parse_region(context.region, *features.shape[2:]), context.centre())


def _keep_components(features: Maps, amount: float, context: Context) -> Maps:
    fitted = context.components()
    return keep_components(features, fitted.basis.to(features), _whole(amount), fitted.mean.to(features))


def _whole(amount: float) -> int:
    if amount != int(amount):
        raise EditError(f"This edit takes a whole number, not {amount:g}.")
    return int(amount)


EDITS: Mapping[str, Edit] = {
    "channels": Edit(
        "keep the loudest channels", "channels kept", 32, COUNTS,
        lambda features, amount, context: keep_top_channels(features, _whole(amount), context.centre()),
        is_count=True,
    ),
    "components": Edit(
        "keep the first principal components", "components kept", 16, COUNTS, _keep_components, is_count=True
    ),
    "drop": Edit(
        "drop channels", "", 0, (),
        lambda features, _, context: drop_channels(
            features, parse_channels(context.channels, features.shape[1]), context.centre()
        ),
    ),
    "blur": Edit(
        "blur positions", "blur, cells", 1, (0, 0.25, 0.5, 1, 2, 4),
        lambda features, amount, _: blur_positions(features, amount),
        step=0.25,
    ),
    "shuffle": Edit(
        "shuffle positions", "share of positions shuffled", 1, (0, 0.1, 0.25, 0.5, 0.75, 1),
        lambda features, amount, context: shuffle_positions(features, amount, context.generator()),
        step=0.05,
    ),
    "quantise": Edit(
        "quantise values", "bits a value", 2, (1, 2, 3, 4, 5, 6, 8),
        lambda features, amount, _: quantise_channels(features, _whole(amount)),
        low=1,
    ),
    "noise": Edit(
        "add noise", "size of the noise", 0.5, (0, 0.1, 0.25, 0.5, 1, 2),
        lambda features, amount, context: add_noise(features, amount, context.generator()),
        step=0.05,
    ),
    "region": Edit("keep a region", "", 0, (), _keep_region),
}  # fmt: skip
