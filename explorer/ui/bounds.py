"""THE table of what may come from outside, and how much; checked before work or memory is spent on it.

Endpoints take their places from `list_endpoints`, requests the numbers below; the controls of the page take
theirs from the tables of options (`session/options.py`, and every experiment's own). Whatever is in none of
these passes `check_size`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.decoding.decode import MAX_FILE_BYTES
from explorer.errors import ExplorerError, echo
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import MAX_LENGTH, knobs
from explorer.inversion.settings import MAX_SEED
from explorer.lab.methods import METHODS, is_iterative

# Of one run: the machine serves everyone.
MAX_EVALUATIONS, MAX_SECONDS = 1000, 120
# Of pictures in one call, each of them a run of its own.
MAX_PICTURES = 4
PICTURE_LENGTH = 16 * 2**20  # In base64: a file of 12 MB.
FEATURES_BYTES = PICTURE_LENGTH * 3 // 4  # Of features laid down on the page, as much as a program may send.
# Of any other value, an event's whole list of them included.
MAX_VALUES, MAX_DEPTH, MAX_WHOLE = 1000, 6, 2**63

MAX_SESSION_LENGTH = 64  # Of Gradio's names for visits, which have eleven characters.
MAX_EVENTS_AN_ADDRESS = (
    150  # Waiting or under way: a class that opens the page at once has five for each pupil.
)
MAX_SESSIONS = 300  # Whose controls Gradio remembers.

# Of requests, in bytes: a file, and what multipart requests add; two pictures in base64; anything else.
UPLOAD_BYTES = MAX_FILE_BYTES + 2**20
PICTURES_BYTES = 2 * PICTURE_LENGTH
PLAIN_BYTES = 2**16
MAX_PARTS = 10 * MAX_VALUES  # Of JSON, in all of one request.

# What makes Gradio take a dictionary for a file, which it then looks for, or fetches; also beside an event.
FILE_KEYS = {"meta", "path"}

TOO_MUCH = "This is more than any input takes."
NO_FILES = "This place takes no files: give a picture as text in base64, or the name of an example."
NOT_BASE64 = (
    "The image must be an example's name, or a JPEG, PNG or WebP file in base64 (a data URI also works)."
)
TOO_LONG = f"A picture in base64 has {PICTURE_LENGTH} characters at most; send a smaller file."


class BoundError(ExplorerError):
    """A value out of bounds; the message names the bound."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    low: int
    high: int

    def check(self, name: str, value: object) -> None:
        """Raise BoundError for anything else."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise BoundError(
                f"{name} must be a whole number from {self.low} to {self.high}, not {echo(value)}."
            )


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some texts."""

    choices: Sequence[str]

    def check(self, name: str, value: object) -> None:
        """Raise BoundError for anything else."""
        if not isinstance(value, str) or value not in self.choices:
            raise BoundError(f"Unknown {name} {echo(value)}: use {', '.join(self.choices)}.")


@dataclass(frozen=True, slots=True)
class PictureText:
    """A picture's file in base64, or an example's name; whether it is one is seen when it is read."""

    def check(self, name: str, value: object) -> None:  # noqa: ARG002 - as all kinds
        """Raise BoundError for what is no text, or too long."""
        if not isinstance(value, str):
            raise BoundError(NOT_BASE64)
        if len(value) > PICTURE_LENGTH:
            raise BoundError(TOO_LONG)


@dataclass(frozen=True, slots=True)
class Several:
    """A list of so many values at most, each one once; None where it may be left out."""

    of: "OneOf | PictureText"
    most: int
    is_optional: bool = False

    def check(self, name: str, value: object) -> None:
        """Raise BoundError for anything else, the length first."""
        if value is None and self.is_optional:
            return
        if not isinstance(value, list) or len(value) > self.most:
            raise BoundError(f"{name} must be a list of at most {self.most}, not {echo(value)}.")
        for one in value:
            self.of.check(name.removesuffix("s"), one)


@dataclass(frozen=True, slots=True)
class Named:
    """An object of options by name, which the experiment checks one by one; None where it may be left out."""

    most: int

    def check(self, name: str, value: object) -> None:
        """Raise BoundError for anything else."""
        if value is not None and (not isinstance(value, dict) or len(value) > self.most):
            raise BoundError(f"{name} must be an object of at most {self.most} options, not {echo(value)}.")
        check_size(value)


Bound = Whole | OneOf | PictureText | Several | Named


def list_endpoints(layers: Sequence[str]) -> dict[str, Mapping[str, Bound]]:
    """List what each endpoint takes, by name and in its order, for a network with these layers."""
    picture, layer = PictureText(), OneOf(layers)
    numbers = {"steps": Whole(1, MAX_EVALUATIONS), "seed": Whole(0, MAX_SEED)}
    iterative = [name for name in METHODS if is_iterative(name)]
    return {
        "reconstruct": {"image": picture, "layer": layer, "method": OneOf(list(METHODS)), **numbers},
        "features": {"image": picture, "layer": layer},
        "optimise": {"image": picture, "layer": layer, "method": OneOf(iterative), **numbers},
        "explore": {
            "name": OneOf(list(EXPERIMENTS)),
            "images": Several(picture, MAX_PICTURES),
            "layers": Several(layer, len(layers), is_optional=True),
            "options": Named(max(len(knobs(entry.options)) for entry in EXPERIMENTS.values())),
        },
        "metrics": {"image": picture, "reference": picture},
        "layers": {},
        "health": {},
    }


def check_size(value: object, length: int = MAX_LENGTH) -> None:
    """Look at a value that may be of any kind before anything else does.

    Raises:
        BoundError: it holds too much, text that is no text (half of a pair), or what Gradio takes for a file.
    """
    left, count = [(value, 0)], 0
    while left:
        one, depth = left.pop()
        count += 1
        if isinstance(one, dict):
            if FILE_KEYS & one.keys():
                raise BoundError(NO_FILES)
            inner = [*one, *one.values()] if len(one) <= MAX_VALUES else list(one)
        else:
            inner = one if isinstance(one, list | tuple) else []
        is_much = count + len(left) + len(inner) > MAX_VALUES or depth > MAX_DEPTH
        if is_much or not _is_plain(one, length):
            raise BoundError(TOO_MUCH)
        left += [(part, depth + 1) for part in inner]


def _is_plain(value: object, length: int) -> bool:
    """Whether a text or a number is of a common size."""
    if isinstance(value, str):
        return len(value) <= length and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, int) or abs(value) <= MAX_WHOLE
