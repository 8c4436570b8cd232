"""The static page: its pictures' names can be any text."""

import json
import re

from explorer.features.layers import LAYERS
from explorer.ui.site.build import _write_components


def test_a_name_can_be_any_text() -> None:
    names = ["<!--<script>", "</script>", "constructor"]
    listed = [{"name": name, "file": "data/picture1.js", "thumbnail": ""} for name in names]
    script = _write_components(listed, LAYERS)
    (told,) = re.findall(r"window\.explorerPictures = (.*);", script)
    assert json.loads(told) == listed
    assert "<" not in told
