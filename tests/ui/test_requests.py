"""Programs may write a picture's base64 as their libraries do."""

import base64

import gradio as gr
import pytest

from explorer.ui.api.requests import read_base64

CONTENT = bytes(range(256)) * 3 + b"\xfb\xff"
WRITTEN = {
    "plain": base64.b64encode(CONTENT).decode(),
    "in lines of 76": base64.encodebytes(CONTENT).decode(),
    "in lines of Windows": base64.encodebytes(CONTENT).decode().replace("\n", "\r\n"),
    "url-safe": base64.urlsafe_b64encode(CONTENT).decode(),
    "url-safe without padding": base64.urlsafe_b64encode(CONTENT).decode().rstrip("="),
    "with a line break at its end": base64.b64encode(CONTENT).decode() + "\n",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_base64_is_read_however_it_is_written(way: str) -> None:
    assert read_base64(WRITTEN[way]) == CONTENT


@pytest.mark.parametrize("text", ["holiday.png", "/etc/passwd!", "ümlaut", "A", "AB=CD=", "\x00AAA"])
def test_other_text_is_refused_with_what_to_send(text: str) -> None:
    with pytest.raises(gr.Error, match="base64"):
        read_base64(text)
