"""How the programs end: with a documented status and one clear line, from their first moment on.

No torch here: what can go wrong while it is imported is explained too.
"""

import errno
import io
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from explorer.errors import ExplorerError

try:
    import resource
except ImportError:  # On Windows.
    resource = None

SUCCESS, BAD_INPUT, SHORT_OF_MEMORY, INTERRUPTED = 0, 2, 3, 130
NOTHING_WRITTEN = "interrupted; nothing was written."

# A terminal that is closed sends HUP, which Windows lacks.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([] if sys.platform == "win32" else [signal.SIGHUP]))

NO_LIMITS = "Linux or macOS is needed, which limit the processes that read pictures. On Windows, use WSL."

# What torch and ResNet-50 map, most of it never touched. With less, torch's threads end the process unsaid.
ADDRESS_SPACE_BYTES = 5 * 10**9
NO_MEMORY = "There is not enough memory: 3 GB free, and 5 GB of address space (ulimit -v), are needed."
# As torch, oneDNN and the linker say it; torch has no type of its own for it on the CPU.
SHORTAGES = (
    "can't allocate memory", "cannot allocate memory", "out of memory", "could not create a primitive",
    "failed to map segment",
)  # fmt: skip


def explain(error: BaseException) -> int | None:
    """Write one line about an error on stderr and return its exit status; None for a fault of the program."""
    if is_shortage(error):
        return _say(f"error: {NO_MEMORY}", SHORT_OF_MEMORY)
    if isinstance(error, ExplorerError | OSError):  # OSError: a full disk, or a folder that went away.
        return _say(f"error: {' '.join(str(error).split())}", BAD_INPUT)
    if isinstance(error, KeyboardInterrupt):
        return _say(NOTHING_WRITTEN, INTERRUPTED)
    return None


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = str(error).lower()
    is_told = isinstance(error, RuntimeError | ImportError) and any(one in words for one in SHORTAGES)
    return is_told or isinstance(error, MemoryError)


def check_system() -> None:
    """Refuse to start where processes cannot be limited, or memory is sure to run out.

    Raises:
        ExplorerError: the system has no such limits.
        MemoryError: there is too little address space.
    """
    if resource is None:
        raise ExplorerError(NO_LIMITS)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE_BYTES:
        raise MemoryError


def end_at_once(status: int) -> NoReturn:
    """End the process without waiting for its threads, which may be in the middle of a long step."""
    for stream in (sys.stdout, sys.stderr):
        # A signal may come in the middle of a write, which cannot be entered twice; a reader may have gone.
        with suppress(RuntimeError, OSError, ValueError):
            stream.flush()
    os._exit(status)


def end_on_signals(clean_up: Callable[[], None]) -> None:
    """Let Ctrl-C, TERM and a closed terminal end a server at once, and leave nothing behind."""

    def end(_number: int, _frame: FrameType | None) -> None:
        clean_up()
        end_at_once(_say("ended.", INTERRUPTED))

    _handle_signals(end)


def raise_on_signals() -> None:
    """Let Ctrl-C, TERM and a closed terminal raise KeyboardInterrupt, so that a command cleans up."""
    _handle_signals(signal.default_int_handler)


@contextmanager
def importing() -> Iterator[None]:
    """While modules are imported, let the signals end the process at once; nothing is written by then.

    A KeyboardInterrupt may be swallowed there: some modules catch whatever their own imports raise.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        end_at_once(_say(NOTHING_WRITTEN, INTERRUPTED))

    before = _handle_signals(end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def accept_any_terminal() -> None:
    """Let words that a terminal cannot show be written as escapes, as Python does on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def hold_temporary_files() -> Iterator[Callable[[], None]]:
    """Give this process a folder for its temporary files, deleted in the end or by the function given.

    Raises OSError where no folder can be made.
    """
    with tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        yield lambda: shutil.rmtree(folder, ignore_errors=True)


def _handle_signals(handler: Callable[[int, FrameType | None], Any]) -> dict[int, Any]:
    """Handle the SIGNALS, but not a HUP that `nohup` has told us to ignore; return what was there before."""
    heard = [one for one in SIGNALS if one is signal.SIGINT or signal.getsignal(one) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


def _say(words: str, status: int) -> int:
    sys.stderr.write(f"explorer: {words}\n")
    return status
