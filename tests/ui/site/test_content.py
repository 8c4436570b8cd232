"""What the page without a server holds of one picture."""

import json

from explorer.ui.site.content import MAX_BYTES, write_content


def test_a_run_that_is_too_large_is_thinned_and_keeps_its_last_frame() -> None:
    frames = [{"seconds": index, "note": "x" * 20_000} for index in range(64)]
    text = write_content({"live": {"frames": frames}})
    kept = json.loads(text.removeprefix("window.explorerPicture(").removesuffix(");\n"))["live"]["frames"]
    assert len(text) <= MAX_BYTES
    assert kept[-1]["seconds"] == 63
