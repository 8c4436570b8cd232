"""A visitor's mistakes, shown as their message alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from explorer.errors import ExplorerError


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show what explains itself as its message; anything else is a fault and keeps its traceback.

    Raises:
        gr.Error: with the message of the error inside.
    """
    try:
        yield
    except ExplorerError as error:
        raise gr.Error(str(error), print_exception=False) from error
