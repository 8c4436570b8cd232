"""A visitor's mistakes, shown as their message alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from explorer.errors import ExplorerError

# Two folders or more, but no address of another server.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\"]+/)+")


def hide_folders(message: str) -> str:
    """Leave of every path of this machine the file's name alone: a visitor has no use for the rest."""
    return _FOLDERS.sub("", message)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show what explains itself as its message; anything else is a fault and keeps its traceback.

    Raises:
        gr.Error: with the message of the error inside.
    """
    try:
        yield
    except ExplorerError as error:
        raise gr.Error(hide_folders(str(error)), print_exception=False) from error
