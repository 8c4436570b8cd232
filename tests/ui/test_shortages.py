"""A full disk and a shortage of memory are told in one sentence, on the page and to programs."""

import asyncio
import errno
from collections.abc import Callable

import gradio as gr
import httpx
import pytest

from explorer.ui.components.checked_blocks import NO_FILE, NO_MEMORY, WRONG_KIND, CheckedBlocks
from explorer.ui.components.errors import hide_folders
from explorer.ui.limits.uploads import DISK_FULL, WholeUploads


def end_of(fail: Callable[[str, float], str], *values: object) -> str:
    """Run an event that fails, and return its message."""
    with CheckedBlocks(analytics_enabled=False) as page:
        text, number = gr.Textbox(), gr.Slider(0, 1)
        text.change(fail, [text, number], [text])
    with pytest.raises(gr.Error) as failure:
        asyncio.run(page.process_api(page.fns[0], list(values)))
    assert failure.value.print_exception is False
    return str(failure.value.message)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), NO_FILE.format(reason="No space left on device")),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), NO_MEMORY),
        (MemoryError(), NO_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
    ],
)
def test_a_shortage_in_an_event_is_one_sentence(error, message):
    def fail(_text: str, _number: float) -> str:
        raise error

    assert end_of(fail, "a", 0.5) == message


def test_values_of_the_wrong_kind_or_too_few_are_one_sentence():
    def never(text: str, _number: float) -> str:
        return text

    assert end_of(never, "a", "b") == WRONG_KIND
    assert end_of(never, "a") == "Too few values: 2 are needed, not 1."
    assert len(end_of(never, "a", 10**300)) <= 80


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (lambda: gr.Radio(["a", "b"], value="a"), None),
        (lambda: gr.Dropdown(["a", "b"], value="a"), None),
        (lambda: gr.CheckboxGroup(["a", "b"], value=["a"]), {}),
        (lambda: gr.CheckboxGroup(["a", "b"]), None),
    ],
)
def test_a_choice_that_is_none_is_of_the_wrong_kind(
    make: Callable[[], gr.Radio | gr.Dropdown | gr.CheckboxGroup], given: object
) -> None:
    with CheckedBlocks(analytics_enabled=False) as page:
        choice = make()
        choice.change(lambda _: None, [choice])
    with pytest.raises(gr.Error) as failure:
        asyncio.run(page.process_api(page.fns[0], [given]))
    assert failure.value.message == WRONG_KIND


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/srv/app/checkpoints/layer1.safetensors is damaged", "layer1.safetensors is damaged"),
        ("no such file: '/tmp/a/b.png'; try another", "no such file: 'b.png'; try another"),
        ("see https://pytorch.org/get-started/locally/", "see https://pytorch.org/get-started/locally/"),
        ("use decoder/linear, 1/2 of 3", "use decoder/linear, 1/2 of 3"),
    ],
)
def test_a_message_names_files_without_the_folders_of_the_server(message, shown):
    assert hide_folders(message) == shown


def test_a_fault_keeps_its_traceback():
    with CheckedBlocks(analytics_enabled=False) as page:
        text = gr.Textbox()
        text.change(lambda _: 1 / 0, [text], [text])
    with pytest.raises(ZeroDivisionError):
        asyncio.run(page.process_api(page.fns[0], ["a"]))


def test_an_upload_onto_a_full_disk_is_answered_in_one_sentence():
    async def full(_scope, _receive, _send) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def upload() -> httpx.Response:
        transport = httpx.ASGITransport(WholeUploads(full))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/gradio_api/upload")

    answer = asyncio.run(upload())
    assert (answer.status_code, answer.text) == (httpx.codes.INSUFFICIENT_STORAGE, DISK_FULL)
