"""The kinds of options: what each offers, and what it makes of a link's text or of a program's value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.inversion.settings import SettingsError

MAX_DIGITS = 20  # Of a number in a link; of thousands Python makes no number.


@dataclass(frozen=True, slots=True)
class Choice:
    """An option with one of some values, each behind what the page calls it."""

    name: str
    label: str
    info: str
    choices: Mapping[str, Any]
    default: Any

    def read(self, text: str) -> Any | None:  # noqa: ANN401 - of the option's own type
        """Read a link's text; None if it is none of the values."""
        known = self.choices.values()
        return next((value for value in known if text in (self.write(value), str(value))), None)

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text; browsers send 2.0 back as 2, so both are written alike."""
        return str(value) if isinstance(value, str) else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Number:
    """An option with a whole number within limits; without a step it is typed, else it is slid to."""

    name: str
    label: str
    info: str
    low: int
    high: int
    default: int
    step: int | None = None

    def read(self, text: str) -> int | None:
        """Read a link's text, brought within the limits; None if it is no number."""
        if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
            return None
        return min(max(int(text), self.low), self.high)

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text."""
        return str(int(value))


@dataclass(frozen=True, slots=True)
class Subset:
    """An option with several of some values."""

    name: str
    label: str
    info: str
    choices: tuple[str, ...]
    default: tuple[str, ...]

    def read(self, text: str) -> tuple[str, ...] | None:
        """Read a link's text, known values separated by commas; None if there is none."""
        return tuple(value for value in self.choices if value in text.split(",")) or None

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text."""
        return ",".join(value)


Option = Choice | Number | Subset


def accept(option: Option, value: Any) -> Any:  # noqa: ANN401 - whatever a program may send as a control's value
    """Check a control's value, which a program may have made up.

    Raises:
        SettingsError: it is not what the control offers.
    """
    allowed = f"{option.label} must be"
    match option:
        case Choice():
            if value not in option.choices.values():
                raise SettingsError(f"{allowed} one of {', '.join(map(str, option.choices.values()))}.")
            return value
        case Number():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not option.low <= value <= option.high:
                raise SettingsError(f"{allowed} a number from {option.low} to {option.high}.")
            return int(value)
        case Subset():
            if not isinstance(value, list | tuple) or not all(one in option.choices for one in value):
                raise SettingsError(f"{allowed} some of {', '.join(option.choices)}.")
            return tuple(one for one in option.choices if one in value)
