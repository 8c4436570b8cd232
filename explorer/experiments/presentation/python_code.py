"""An experiment as a few lines of Python that run as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from explorer.examples import EXAMPLES
from explorer.features.backbone import RESNET50
from explorer.files import UNSHOWN

TEMPLATE = """\
from explorer import {names}

lab = Lab.load({load})
pictures = [{pictures}]
result = run_experiment({arguments})
for shown in result.pictures:
    to_pil(shown.images).save(f"{{shown.name}}.png")
print(*result.rows, *result.sentences, sep="\\n")
"""


def write_code(
    name: str,
    pictures: Sequence[str],
    layers: Sequence[str],
    options: Mapping[str, Any],
    weights: str | None = None,
    backbone: str = RESNET50,
) -> str:
    """Write Python that repeats an experiment and saves its pictures in the current folder.

    Pictures are examples' names or paths; `options` are those that differ from the defaults.
    """
    is_own = [picture not in EXAMPLES for picture in pictures]
    readers = {"load_example": not all(is_own), "read_picture": any(is_own)}
    used = ["Lab", *(name for name, is_used in readers.items() if is_used), "run_experiment", "to_pil"]
    given = [
        f"read_picture({_quote(picture)})" if own else f"load_example({_quote(picture)})"
        for picture, own in zip(pictures, is_own, strict=True)
    ]
    loading = [_quote(weights)] if weights else []
    loading += [f"backbone={_quote(backbone)}"] if backbone != RESNET50 else []
    arguments = [_quote(name), "lab", "pictures"]
    if layers:
        arguments.append("[" + ", ".join(map(_quote, layers)) + "]")
    arguments += [f"{key}={_quote(value)}" for key, value in options.items()]
    return TEMPLATE.format(
        names=", ".join(used),
        load=", ".join(loading),
        pictures=", ".join(given),
        arguments=", ".join(arguments),
    )


def _quote(value: Any) -> str:  # noqa: ANN401 - a text, a number or None
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
