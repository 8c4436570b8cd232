"""Values from outside, checked for kind and range before anything uses them.

Settings are built from values that have passed here, never from text that a parser could interpret.
"""

from collections.abc import Sequence

import gradio as gr

from explorer.errors import echo


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return the value if it is a whole number from `least` to `most`.

    Raises:
        gr.Error: it is not; the message names what was given and what is allowed.
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise mistake(f"{name} must be a whole number from {least} to {most}, not {echo(value)}.")


def number(name: str, value: object, least: float, most: float) -> float:
    """Return the value if it is a number from `least` to `most`.

    Raises:
        gr.Error: it is not; the message names what was given and what is allowed.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise mistake(f"{name} must be a number from {least} to {most}, not {echo(value)}.")


def one_of(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return the value if it is one of the allowed texts.

    Raises:
        gr.Error: it is not; the message names what was given and what is allowed.
    """
    if isinstance(value, str) and value in allowed:
        return value
    raise mistake(f"Unknown {name} {echo(value)}: use {', '.join(allowed)}.")


def text(name: str, value: object) -> str:
    """Return the value if it is a text.

    Raises:
        gr.Error: it is not; the message names what was given.
    """
    if isinstance(value, str):
        return value
    raise mistake(f"{name} must be a text, not {echo(value)}.")


def sent_with(event: gr.EventData, key: str) -> object:
    """Return what the browser sent with an event under a key; None if it sent nothing of that name."""
    data = event._data  # noqa: SLF001 - Gradio has no public way to ask whether a key was sent.
    return data.get(key) if isinstance(data, dict) else None


def mistake(message: str) -> gr.Error:
    """Make an error that shows its message and leaves no traceback in the log."""
    return gr.Error(message, print_exception=False)
