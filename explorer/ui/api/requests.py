"""What programs send: a picture as text, and numbers within what the page allows.

A picture is base64 of a file, a data URI, or an example's name: a file path from outside is never opened.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS, check_pictures
from explorer.experiments.experiment import knobs, make_options
from explorer.features.layers import LAYERS
from explorer.features.state import begins_safetensors
from explorer.images import Picture, read_picture
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.layer import Source
from explorer.ui.bounds import MAX_SECONDS, NOT_BASE64
from explorer.ui.components.arguments import mistake
from explorer.ui.components.callers import one_picture_at_a_time
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.given import parse_bounded

URL_SAFE = str.maketrans("-_", "+/")
NO_FILES = (
    "{name} is a file of the server, which programs cannot name; the command line and the page take it."
)


def read_text(image: str) -> Picture:
    """Read a picture given as text.

    Raises:
        gr.Error: it is neither an example's name nor a usable picture; the message says what to do.
    """
    if image in EXAMPLES:
        return load_example(image)
    content = read_base64(image.partition("base64,")[2] or image)
    with clear_errors(), one_picture_at_a_time():
        return read_picture(content, name="picture")


def read_source(image: str, layer: str) -> Source:
    """Read a picture given as text, or the features of one: a safetensors file in base64.

    Raises:
        gr.Error: it is neither; the message says what to do.
    """
    if image not in EXAMPLES:
        content = read_base64(image.partition("base64,")[2] or image)
        if begins_safetensors(content):
            with clear_errors(), one_picture_at_a_time():
                return parse_bounded(content, "The file", [layer])
    return read_text(image)


def read_base64(text: str) -> bytes:
    """Read base64 of either alphabet (RFC 4648), with or without line breaks and padding.

    Raises:
        gr.Error: it is something else.
    """
    plain = "".join(text.split()).translate(URL_SAFE).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise mistake(NOT_BASE64) from error


def make_settings(layer: str, method: str, steps: int, seed: int, layers: Sequence[str] = LAYERS) -> Settings:
    """Build the settings of a call; no program holds the compute slot for longer than a visitor could."""
    settings = load_settings(layer, method, layers=layers)
    return replace(settings, evaluations=steps, seed=seed, seconds=MAX_SECONDS)


def check_question(name: str, pictures: int, options: Mapping[str, Any]) -> None:
    """Check what an experiment is asked, before a picture is read.

    Raises:
        gr.Error: too few or too many pictures, or an option out of bounds or with a path of this server.
    """
    experiment = EXPERIMENTS[name]
    with clear_errors():
        check_pictures(experiment, pictures)
        make_options(experiment.options, options)
    for key, knob in knobs(experiment.options).items():
        if knob.is_file and options.get(key):
            raise mistake(NO_FILES.format(name=key))
