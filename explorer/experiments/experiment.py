"""What an experiment is: a move on features between extracting and bringing back, with its options."""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from explorer.errors import ExplorerError, echo
from explorer.features.layers import LAYERS
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.report.charts import Chart, Grid

# Of a text that a visitor writes, in characters: a list of a few dozen channels or networks.
MAX_LENGTH = 400

Value = str | int | float | None
Row = Mapping[str, Value]


class ExperimentError(ExplorerError):
    """An experiment that cannot run as asked; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a result, 1 x 3 x height x width; `name` is the stem of its file."""

    name: str
    caption: str
    images: Images
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Animation:
    """Pictures to be shown one after another; `name` is the stem of the file."""

    name: str
    frames: Sequence[Images]


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment has found so far. All rows have the same columns.

    `progress` is the share of the work that is done, and `doing` says what comes next.
    """

    pictures: Sequence[Shown]
    rows: Sequence[Row] = ()
    charts: Sequence[Chart | Grid] = ()
    sentences: Sequence[str] = ()
    animations: Sequence[Animation] = ()
    progress: float = 1.0
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Knob:
    """How an option is offered: its help and its bounds, which are checked before anything is computed.

    A choice is one of `choices`, a number is from `low` to `high`, where a slider goes by `step`, and a text
    has at most `length` characters. With `is_file` its value is the path of a file, which nobody but the user
    of this machine may name.
    """

    help: str
    choices: Sequence[str] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    length: int = MAX_LENGTH
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """How an option is offered as long as the others are as they are; without a knob it means nothing."""

    knob: Knob | None
    default: Value
    stays: bool = False  # Whether the value chosen before stays when it is offered again.


# The frozen dataclass of an experiment's options; its fields are made by `option`.
Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class Experiment(Generic[Chosen]):
    """One experiment. `run` yields a result at once, then more complete ones, the last complete.

    `pictures` is the number it takes, or None for one or more; `explanation` is two sentences, and `question`
    the one that it answers, in a visitor's words; without one its title stands for it. `adapt` offers
    options by what is chosen for the others, and by the fewest channels of the chosen layers.
    """

    name: str
    title: str
    explanation: str
    options: type[Chosen]
    run: Callable[[Lab, Sequence[Picture], Sequence[str], Chosen], Generator[Result, None, None]]
    pictures: int | None = None
    layers: Sequence[str] = LAYERS
    adapt: Callable[[Mapping[str, Any], int], Mapping[str, Offer]] | None = None
    question: str = ""


def option(default: Value, description: str, **limits: Any) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare a field of an experiment's options; `limits` are the fields of Knob."""
    return field(default=default, metadata={"knob": Knob(description, **limits)})


def knobs(options: type) -> dict[str, Knob]:
    """List how the options of an experiment are offered, by name."""
    return {entry.name: entry.metadata["knob"] for entry in fields(options)}


def make_options(options: type[Chosen], values: Mapping[str, Any]) -> Chosen:
    """Check values, which may be texts, and make an experiment's options of them; the rest keep defaults.

    Raises:
        ExperimentError: an unknown option, or a value of the wrong kind or out of range.
    """
    known = knobs(options)
    for name in values:
        if name not in known:
            raise ExperimentError(f"There is no option {echo(name)}: use {', '.join(known)}.")
    kinds = get_type_hints(options)
    return options(
        **{name: _convert(name, value, kinds[name], known[name]) for name, value in values.items()}
    )


def default_of(options: type, name: str) -> Value:
    """Look up an option's default."""
    entry = next(entry for entry in fields(options) if entry.name == name)
    return None if entry.default is MISSING else entry.default


def _convert(name: str, value: Any, kind: Any, knob: Knob) -> Value:  # noqa: ANN401
    if value is None and type(None) in get_args(kind):
        return None
    number = next((wanted for wanted in (int, float) if wanted in (kind, *get_args(kind))), None)
    if number is not None:
        return _convert_number(name, value, number, knob)
    if knob.choices and value not in knob.choices:
        raise ExperimentError(f"{name} is one of {', '.join(knob.choices)}, not {echo(value)}.")
    if not isinstance(value, str | int | float) or len(str(value)) > knob.length:
        raise ExperimentError(f"{name} is a text of at most {knob.length} characters, not {echo(value)}.")
    return str(value)


def _convert_number(name: str, value: Any, kind: type[int] | type[float], knob: Knob) -> float:  # noqa: ANN401
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    low = -math.inf if knob.low is None else knob.low
    high = math.inf if knob.high is None else knob.high
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise ExperimentError(
            f"{name} is {'a whole number' if kind is int else 'a number'}, not {echo(value)}."
        )
    if not low <= number <= high:
        raise ExperimentError(f"{name} is from {low:g} to {high:g}, not {echo(value)}.")
    return kind(number)
