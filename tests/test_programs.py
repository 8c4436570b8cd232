"""Whole programs, started, interrupted and killed as a system does it: soon over, and nothing left behind."""

import resource
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from explorer.__main__ import main
from explorer.endings import BAD_INPUT, INTERRUPTED, SHORT_OF_MEMORY
from tests.support.programs import START_SECONDS, finish, interrupt, start
from tests.support.raw import RawPage

END_SECONDS = 2.0
# `python -m explorer` that says when the steps of a run go on.
ANNOUNCING = """
import runpy, sys
from contextlib import closing
from explorer.commands import reconstruct

def announce(*given, **options):
    with closing(take_turns(*given, **options)) as turns:
        for run in turns:
            print("a step", flush=True, file=sys.stderr)
            yield run

take_turns, reconstruct.take_turns = reconstruct.take_turns, announce
runpy.run_module("explorer", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_cut_off_ends_soon_without_a_report_and_the_next_one_works(
    tmp_path: Path, number: signal.Signals
) -> None:
    words = ["reconstruct", "cat", "--weights", "untrained", "--layers", "layer1", "--size", "64"]
    words += ["--out", str(tmp_path / "out"), "--steps"]
    process = start("-c", ANNOUNCING, *words, "100000", folder=tmp_path)
    try:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "step" in line) == "a step\n"
        status, output, seconds = interrupt(process, number)
    finally:
        process.kill()
    left = [path.name[:12] for path in tmp_path.iterdir()]
    if number == signal.SIGKILL:
        assert (status, left) == (-signal.SIGKILL, [".unfinished-"])
    else:
        assert (status, left, seconds < END_SECONDS) == (INTERRUPTED, [], True), (output, seconds)
        assert "interrupted; nothing was written" in output
    assert "Traceback" not in output
    assert main([*words, "2"]) == 0
    assert (tmp_path / "out" / "report.json").is_file()


@pytest.mark.slow
def test_the_page_ends_soon_in_the_middle_of_a_race_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    process = start("app.py", "--weights", "untrained", "--port", str(port), folder=tmp_path)
    page = RawPage(f"http://127.0.0.1:{port}")
    try:
        await_page(page)
        body = {"fn_index": page.event("optimise").index, "session_hash": "race"}
        body["data"] = ["cat", "layer1", "optimiser", 1000, 0]
        page.http.post(f"{page.api}/queue/join", json=body)
        with page.http.stream("GET", f"{page.api}/queue/data", params={"session_hash": "race"}) as answer:
            next(line for line in answer.iter_lines() if "process_generating" in line)
            status, output, seconds = interrupt(process, signal.SIGTERM)
    finally:
        process.kill()
    assert (status, seconds < END_SECONDS) == (INTERRUPTED, True), (output, seconds)
    assert "Traceback" not in output, output
    assert "terminate" not in output, output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_temporary_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status, output = finish(start("app.py", folder=tmp_path, more={"GRADIO_TEMP_DIR": str(file / "below")}))
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output


@pytest.mark.parametrize("words", [("-m", "explorer", "reconstruct", "cat", "--out", "x"), ("app.py",)])
def test_too_little_address_space_is_one_line_and_a_status_of_its_own(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))

    status, output = finish(start(*words, folder=tmp_path, limit=limit))
    assert (status, output.count("\n")) == (SHORT_OF_MEMORY, 1), output
    assert "not enough memory" in output


def await_page(page: RawPage) -> None:
    """Wait until the page's network is loaded."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            last = page.send(page.event("health"), [])[-1]
            if "weights" in last["output"]["data"][0]:
                return
        except httpx.TransportError:
            vars(page).pop("config", None)
        time.sleep(0.2)
    raise TimeoutError("the page did not become ready")
