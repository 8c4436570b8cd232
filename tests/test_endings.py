"""How the programs end: soon, with a documented status, one clear line and nothing left behind."""

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path

import httpx
import pytest

from explorer import endings
from explorer.__main__ import main
from explorer.endings import BAD_INPUT, INTERRUPTED, SHORT_OF_MEMORY, SIGNALS, explain, is_shortage
from explorer.errors import ExplorerError
from tests.support.raw import RawPage

ROOT = Path(__file__).parents[1]
END_SECONDS = 2.0
WORK_SECONDS = 15.0  # Of the processor.
START_SECONDS = 240.0  # Importing torch and building the layers, on a busy machine.


def start(
    *words: str,
    folder: Path,
    limit: Callable[[], None] | None = None,
    more: Mapping[str, str] | None = None,
) -> subprocess.Popen:
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **(more or {})}

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored where the tests run behind nohup.
        if limit is not None:
            limit()

    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=prepare,
    )


def finish(process: subprocess.Popen, seconds: float = START_SECONDS) -> tuple[int, str]:
    """Wait for the end; return the status and everything that was written."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, output


def interrupt(process: subprocess.Popen, number: signal.Signals) -> tuple[int, str, float]:
    """Send the signal; return the status, the output and the seconds until the end."""
    started = time.perf_counter()
    process.send_signal(number)
    try:
        process.wait(START_SECONDS)
        seconds = time.perf_counter() - started
    finally:
        status, output = finish(process)
    return status, output, seconds


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_run_that_is_interrupted_ends_soon_and_writes_nothing(tmp_path, number):
    words = ["reconstruct", "cat", "--weights", "untrained", "--layers", "layer4,layer3"]
    words += ["--steps", "100000", "--out", str(tmp_path / "out")]
    process = start("-m", "explorer", *words, folder=tmp_path)
    try:
        await_work(process)
        status, output, seconds = interrupt(process, number)
    finally:
        process.kill()
    assert (status, seconds < END_SECONDS) == (INTERRUPTED, True), (output, seconds)
    assert "interrupted; nothing was written" in output
    assert "Traceback" not in output
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_the_page_ends_soon_in_the_middle_of_a_race_and_leaves_nothing_behind(tmp_path, number):
    port = free_port()
    process = start("app.py", "--weights", "untrained", "--port", str(port), folder=tmp_path)
    page = RawPage(f"http://127.0.0.1:{port}")
    try:
        await_page(page)
        body = {"fn_index": page.event("optimise").index, "session_hash": "race"}
        body["data"] = ["cat", "layer1", "optimiser", 1000, 0]
        page.http.post(f"{page.api}/queue/join", json=body)
        with page.http.stream("GET", f"{page.api}/queue/data", params={"session_hash": "race"}) as answer:
            next(line for line in answer.iter_lines() if "process_generating" in line)
            status, output, seconds = interrupt(process, number)
    finally:
        process.kill()
    assert (status, seconds < END_SECONDS) == (INTERRUPTED, True), (output, seconds)
    assert "Traceback" not in output, output
    assert "terminate" not in output, output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_taken_port_is_an_error_if_it_was_asked_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for more in ({}, {"GRADIO_SERVER_PORT": str(port)}):
            words = [] if more else ["--port", str(port)]
            status, output = finish(start("app.py", *words, folder=tmp_path, more=more))
            assert (status, output.count("\n")) == (BAD_INPUT, 1), output
            assert f"port {port}" in output
            assert "in use" in output


@pytest.mark.slow
def test_a_host_that_is_none_is_an_error_at_once(tmp_path):
    status, output = finish(start("app.py", "--host", "no such host", folder=tmp_path))
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "told"),
    [("alexnet", "alexnet has none"), ("inception_v3", "inception_v3 has none"), ("vgg61", "Did you mean")],
)
def test_a_network_that_the_page_cannot_show_is_an_error_at_once(tmp_path, backbone, told):
    status, output = finish(start("app.py", "--backbone", backbone, folder=tmp_path))
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output
    assert told in output


@pytest.mark.slow
def test_a_temporary_folder_that_cannot_be_made_is_one_line(tmp_path):
    file = tmp_path / "file"
    file.touch()
    status, output = finish(start("app.py", folder=tmp_path, more={"GRADIO_TEMP_DIR": str(file / "below")}))
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output


@pytest.mark.slow
@pytest.mark.parametrize("words", [("-m", "explorer", "reconstruct", "cat", "--out", "x"), ("app.py",)])
def test_too_little_address_space_is_one_line_and_a_status_of_its_own(tmp_path, words):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))

    status, output = finish(start(*words, folder=tmp_path, limit=limit))
    assert (status, output.count("\n")) == (SHORT_OF_MEMORY, 1), output
    assert "not enough memory" in output


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("could not create a primitive"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GB"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_a_shortage_of_memory_is_recognised(error, capsys):
    assert is_shortage(error)
    assert explain(error) == SHORT_OF_MEMORY
    assert capsys.readouterr().err == f"explorer: error: {endings.NO_MEMORY}\n"


def test_other_errors_are_explained_or_stay_faults(capsys):
    assert explain(ExplorerError("Two\nlines.")) == BAD_INPUT
    assert explain(OSError(errno.ENOSPC, "No space left on device")) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 2
    assert explain(RuntimeError("a fault")) is None
    assert explain(KeyError("x")) is None


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The statuses with which the process would have ended; its signals are handled as before afterwards."""
    statuses: list[int] = []
    monkeypatch.setattr(endings, "end_at_once", statuses.append)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield statuses
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_ends_and_cleans_up_at_each_signal(ended: list[int], number: signal.Signals) -> None:
    cleaned: list[str] = []
    endings.end_on_signals(lambda: cleaned.append("files"))
    signal.raise_signal(number)
    assert (ended, cleaned) == ([INTERRUPTED], ["files"])


@pytest.mark.parametrize("number", SIGNALS)
def test_an_import_that_swallows_every_exception_cannot_swallow_a_signal(
    ended: list[int], number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    endings.raise_on_signals()
    with endings.importing():
        try:
            signal.raise_signal(number)
        except BaseException:
            pytest.fail("the import could swallow this")
    assert ended == [INTERRUPTED]
    assert capsys.readouterr().err == "explorer: interrupted; nothing was written.\n"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_a_command_imports_under_that_guard(ended: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.__main__._build_parser", lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(AttributeError):  # The process has not ended, so it goes on without a parser.
        main([])
    assert ended == [INTERRUPTED]


def test_a_hangup_that_nohup_has_told_us_to_ignore_stays_ignored(ended: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    endings.end_on_signals(lambda: None)
    signal.raise_signal(signal.SIGHUP)
    assert ended == []


def test_a_terminal_of_few_letters_shows_the_rest_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(written, "ascii"))
    monkeypatch.setattr("explorer.__main__._run", lambda _: "Wrote Käse\udcff/report.json")
    assert main([]) == 0
    sys.stdout.flush()
    assert written.getvalue() == b"Wrote K\\xe4se\\udcff/report.json\n"


def await_work(process: subprocess.Popen) -> None:
    """Wait until a process has worked for so long that its models are built and its steps go on."""
    while True:
        assert process.poll() is None
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        if sum(map(int, fields[11:13])) > WORK_SECONDS * os.sysconf("SC_CLK_TCK"):
            return
        time.sleep(0.2)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


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
        time.sleep(0.5)
    raise TimeoutError("the page did not become ready")
