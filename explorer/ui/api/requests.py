"""What programs send: a picture as text, and numbers within what the page allows.

A picture is base64 of a file, a data URI, or an example's name: a file path from outside is never opened.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import knobs
from explorer.features.layers import LAYERS
from explorer.images import Picture, read_picture
from explorer.inversion.settings import MAX_SEED, Settings, load_settings
from explorer.ui.components.arguments import mistake, whole_number
from explorer.ui.components.errors import clear_errors
from explorer.ui.session.options import MAX_EVALUATIONS, MAX_SECONDS

NOT_BASE64 = (
    "The image must be an example's name, or a JPEG, PNG or WebP file in base64 (a data URI also works)."
)
NO_FILES = (
    "{name} is a file of the server, which programs cannot name; the command line and the page take it."
)


def read_text(image: object) -> Picture:
    """Read a picture given as text.

    Raises:
        gr.Error: it is neither an example's name nor a usable picture; the message says what to do.
    """
    if not isinstance(image, str):
        raise mistake(NOT_BASE64)
    if image in EXAMPLES:
        return load_example(image)
    try:
        content = b64decode(image.partition("base64,")[2] or image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise mistake(NOT_BASE64) from error
    with clear_errors():
        return read_picture(content, name="picture")


def make_settings(
    layer: str, method: str, steps: object, seed: object, layers: Sequence[str] = LAYERS
) -> Settings:
    """Build the settings of a call; no program holds the compute slot for longer than a visitor could.

    Raises:
        gr.Error: a number is none or out of range; the message says what is allowed.
    """
    return replace(
        load_settings(layer, method, layers=layers),
        evaluations=whole_number("steps", steps, 1, MAX_EVALUATIONS),
        seed=whole_number("seed", seed, 0, MAX_SEED),
        seconds=MAX_SECONDS,
    )


def refuse_files(name: str, options: Mapping[str, Any]) -> None:
    """Raise gr.Error for an option that holds a path of this server."""
    for key, knob in knobs(EXPERIMENTS[name].options).items():
        if knob.is_file and options.get(key):
            raise mistake(NO_FILES.format(name=key))
