"""The base of every error that a user's input or the machine can cause, and how it repeats values."""

from reprlib import Repr

ECHO_LENGTH = 80  # What was given is repeated in messages up to here.


class ExplorerError(ValueError):
    """An error whose message is one clear line: what was got, and what to do about it.

    The command line, the trainers' programs and the page show the message alone; anything else that is raised
    is a fault of the program and keeps its traceback.
    """


class MetricUnavailable(ExplorerError):
    """A metric that cannot be computed here; the message says why."""


def echo(value: object) -> str:
    """Write a value for a message, whatever its size."""
    return cut(_SHORT.repr(value))


def cut(text: str) -> str:
    """Cut a text for a message at ECHO_LENGTH characters."""
    return text if len(text) <= ECHO_LENGTH else text[: ECHO_LENGTH - 1] + "…"


_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = ECHO_LENGTH
