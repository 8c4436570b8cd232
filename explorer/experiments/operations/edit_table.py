"""The edits that can be chosen by name: what their amount means, and the amounts of the curve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

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
    """One edit: `amount` names its unit, empty where it has none; `curve` lists amounts to measure."""

    label: str
    amount: str
    default: float
    curve: tuple[float, ...]
    apply: Callable[[Maps, float, Context], Maps]
    is_count: bool = False  # Of channels or components, so that the layer limits it.
    low: float = 0
    step: float = 1


def amounts_of_curve(edit: Edit, channels: int) -> tuple[float, ...]:
    """List the amounts to measure at a layer of so many channels; counts end with all of them."""
    if not edit.is_count:
        return edit.curve
    return (*(count for count in edit.curve if count < channels), channels)


def parse_channels(text: str) -> set[int]:
    """Read a list of channels and ranges such as `0-63,128`; both ends of a range belong to it.

    Raises:
        EditError: a part is neither a number nor a range.
    """
    channels: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise EditError(f"'{text}' is no list of channels; write numbers and ranges, as in 0-63,128.")
        channels.update(range(int(first), int(last or first) + 1))
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
    if len(numbers) != 2 or any(number != int(number) for number in numbers):
        raise EditError(
            f"'{text}' is no region; write left,top,right,bottom from 0 to 1, or a cell as row,column."
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
            features, parse_channels(context.channels), context.centre()
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
