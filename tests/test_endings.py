"""How the programs end: soon, with a documented status, one clear line and nothing left behind."""

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

import app
import explorer.ui.launch  # noqa: F401 - else Gradio would note a folder that only one test has
from explorer import endings
from explorer.__main__ import main
from explorer.endings import BAD_INPUT, INTERRUPTED, SHORT_OF_MEMORY, SIGNALS, explain, is_shortage
from explorer.errors import ExplorerError

ROOT = Path(__file__).parents[1]
App = Callable[..., tuple[int, str]]


@pytest.fixture
def app_main(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[App]:
    """Run app.py in this process, for what ends before it serves; give its status and all that it wrote."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*words: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["app.py", *words])
            patch.setattr(threading, "excepthook", threading.excepthook)
            patch.setattr(tempfile, "tempdir", None)
            status = app.main()
        return status, "".join(capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("is_asked_by_variable", [False, True])
def test_a_taken_port_is_an_error_if_it_was_asked_for(app_main: App, monkeypatch, is_asked_by_variable):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        if is_asked_by_variable:
            monkeypatch.setenv("GRADIO_SERVER_PORT", port)
        status, output = app_main(*([] if is_asked_by_variable else ["--port", port]))
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output
    assert f"port {port}" in output
    assert "in use" in output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "no such host"], "Cannot listen on 'no such host'"),
        (["--backbone", "alexnet"], "alexnet has none"),
        (["--backbone", "inception_v3"], "inception_v3 has none"),
        (["--backbone", "vgg61"], "Did you mean"),
    ],
)
def test_a_host_or_a_network_that_cannot_be_served_is_an_error_at_once(app_main: App, words, told):
    status, output = app_main(*words)
    assert (status, output.count("\n")) == (BAD_INPUT, 1), output
    assert told in output


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
    # Also where the tests themselves run under nohup.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield statuses
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_ends_and_cleans_up_at_each_signal(ended: list[int], number: signal.Signals) -> None:
    cleaned: list[str] = []
    endings.end_on_signals(lambda: cleaned.append("files"))
    signal.raise_signal(number)
    assert (ended, cleaned) == ([INTERRUPTED], ["files"])


@pytest.mark.parametrize("error", [RuntimeError("reentrant call"), BrokenPipeError(), ValueError("closed")])
def test_an_end_in_the_middle_of_a_write_has_its_status(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Writing(StringIO):
        def flush(self) -> None:
            raise error

    monkeypatch.setattr("os._exit", sys.exit)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
        patch.setattr(sys, "stdout", Writing())
        endings.end_at_once(INTERRUPTED)
    assert left.value.code == INTERRUPTED


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


SWALLOWING = """
print("importing", flush=True)
import time
try:
    time.sleep(60)
except BaseException:
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_trainer_imports_under_that_guard(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "torch.py").write_text(SWALLOWING)
    with subprocess.Popen(
        [sys.executable, "-m", "trainers.train", "layer1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (INTERRUPTED, "explorer: interrupted; nothing was written.\n")


@pytest.mark.parametrize("program", ["app.py", "explorer/__main__.py"])
def test_a_system_that_cannot_limit_processes_is_told_in_one_line(program: str) -> None:
    """As on Windows, which lacks the module `resource`."""
    hidden = f"import sys, runpy; sys.modules['resource'] = None; sys.argv = ['{program}']; "
    ended = subprocess.run(
        [sys.executable, "-c", hidden + f"runpy.run_path('{program}', run_name='__main__')"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (BAD_INPUT, f"explorer: error: {endings.NO_LIMITS}\n")


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
