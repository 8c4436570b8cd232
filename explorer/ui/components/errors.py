"""A visitor's mistakes, shown as their message alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from explorer.decoders.checkpoint import DecoderError
from explorer.features.trunk import UnknownNodeError
from explorer.images import ImageError
from explorer.inversion.invert import SettingsError
from explorer.lab.lab import MethodUnavailableError

EXPLAINED = (DecoderError, ImageError, MethodUnavailableError, SettingsError, UnknownNodeError)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show what explains itself as its message; anything else is a fault and keeps its traceback.

    Raises:
        gr.Error: with the message of the error inside.
    """
    try:
        yield
    except EXPLAINED as error:
        raise gr.Error(str(error), print_exception=False) from error
