"""What a visitor lays down: a picture, or features of one in a file, told apart by their content alone."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from explorer.decoding.square import CENTRE, Crop
from explorer.features.recorded import FeaturesError, RecordedFeatures
from explorer.features.recorded_apart import parse_features_apart
from explorer.features.state import begins_safetensors
from explorer.files import printable, read_below
from explorer.images import SIZE
from explorer.lab.layer import Source
from explorer.ui.bounds import FEATURES_BYTES
from explorer.ui.components.arguments import mistake
from explorer.ui.components.callers import one_picture_at_a_time
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.picture_input import NO_PICTURE, read_upload
from explorer.ui.components.uploads import upload_folder

HEAD_BYTES = 256
# Every protocol of pickles since 2003 begins so; torch.save puts one into a zip.
PROTOCOLS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
ARCHIVE, ARCHIVED = b"PK\x03\x04", b"/data.pkl"

PICKLE = (
    "This file is a pickle, which is not opened here. Save features with safetensors.torch.save_file; "
    "weights of your own go to Explore."
)
OTHER_SIZE = "{} is of a picture of {} x {} pixels; the page takes {} x {}, the command line any."
OTHER_NODES = "{} holds other nodes, too: the page shows {}; the command line inverts any."


def read_given(path: str | None, layers: Sequence[str], crop: Crop = CENTRE) -> Source:
    """Read the visitor's file: a square of a picture, or features at some of these layers.

    Raises:
        gr.Error: there is none, or it cannot be used; the message says what to do.
    """
    if path is None:
        raise mistake(NO_PICTURE)
    with clear_errors():
        head = read_below(upload_folder(), path, HEAD_BYTES)
    if begins_safetensors(head):  # Asked first: the length of a header may look like a pickle's beginning.
        return _read_features(path, layers)
    if head.startswith(PROTOCOLS) or (head.startswith(ARCHIVE) and ARCHIVED in head):
        raise mistake(PICKLE)
    return read_upload(path, crop)


def parse_bounded(content: bytes, name: str, layers: Sequence[str] = ()) -> RecordedFeatures:
    """Read the content of a file of features within the page's bounds, in a process with limits.

    A file names the size of its picture, and the network computes one of that size to know the shapes.

    Raises:
        FeaturesError: as `parse_features_apart`, or they are of a picture of another size than the page's.
    """
    recorded = parse_features_apart(content, name, layers=layers, most=FEATURES_BYTES)
    if recorded.size != (SIZE, SIZE):
        raise FeaturesError(OTHER_SIZE.format(name, *recorded.size, SIZE, SIZE))
    return recorded


def _read_features(path: str, layers: Sequence[str]) -> RecordedFeatures:
    """Read an upload's features of these layers; others are left out with a word."""
    with clear_errors(), one_picture_at_a_time():
        content = read_below(upload_folder(), path, FEATURES_BYTES)
        whole = parse_bounded(content, printable(Path(path).name))
        kept = whole.keep(layers)
    if len(kept.layers) < len(whole.layers):
        gr.Info(OTHER_NODES.format(kept.name, ", ".join(kept.layers)))
    return kept
