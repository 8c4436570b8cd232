"""Values as they are written: `007` and `photos #1` are texts, and a setting's type alone makes more of them.

YAML would make a number and a comment of these, whatever the setting is.
"""

import os
import re
from typing import Any

import yaml

NOTHING = re.compile("(null|Null|NULL)?$")
Plain = dict[str, Any] | list[Any] | str | None


def read_value(text: str, kind: object) -> Plain:
    """Read the text of a setting of this type: a text as it stands, a list or a mapping as YAML.

    Raises:
        yaml.YAMLError: it is neither.
    """
    if kind is str:
        return _write_out(text)
    if NOTHING.match(text):
        return None
    if kind != str | None and text.startswith(("[", "{")):
        return read_yaml(text)
    return _write_out(text)


def read_yaml(text: str) -> Any:  # noqa: ANN401 - whatever YAML can hold
    """Read YAML whose scalars are texts or null.

    Raises:
        yaml.YAMLError: it is none, or a mapping has a key twice.
    """
    return _write_all(yaml.load(text, _Loader))


class _Loader(yaml.SafeLoader):
    """A loader that makes no numbers, dates or booleans, and takes each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"{twice} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", NOTHING, ["n", "N", ""])


def _write_all(value: Any) -> Any:  # noqa: ANN401 - whatever YAML can hold
    if isinstance(value, dict):
        return {key: _write_all(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return list(map(_write_all, value))
    return _write_out(value) if isinstance(value, str) else value


def _write_out(text: str) -> str:
    """Put the home folder in the place of `~`, and let nothing refer to another value or the environment."""
    whole = os.pathsep.join(os.path.expanduser(part) for part in text.split(os.pathsep))  # noqa: PTH111 - a text stays as it is
    return whole.replace("${", r"\${")
