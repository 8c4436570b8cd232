"""Weights that strangers may have made, read in a process of its own with limits of time, memory and disk.

A file of a kilobyte can ask an unpickler for minutes and for gigabytes. The process writes what it has read
as safetensors, whose reader builds nothing but tensors.
"""

import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from explorer.decoding.apart import bare_environment
from explorer.features.state import State, WeightsError, check_archive, is_safetensors, read_state

# A network of torchvision has 2,000 tensors at most.
MAX_TENSORS = 10_000
MAX_HEADER_BYTES = 2**21  # Of a file of so many tensors: their names, shapes and places.
# Beside what the interpreter takes with torch: the file as it lies, as it is read and as it is written.
ROOM_BYTES, COPIES, TORCH_BYTES = 200_000_000, 3, 1_000_000_000
# Of the processor's time, from when torch is there; a busy machine is waited for longer.
CPU_SECONDS, BYTES_A_SECOND = 10, 20_000_000
START_SECONDS, WAIT_FACTOR = 60, 5
SAID_BYTES = 300
REFUSED = 2

TOO_COSTLY = "{} takes more time or memory to read than weights do. Save the state dict again."
ODD_TENSORS = "The weights in this file are of a kind that no network here takes."


def read_apart(path: Path, seconds: int = CPU_SECONDS) -> State:
    """Read weights by name as `read_state` does, in a process with limits; `seconds` are the processor's.

    Raises:
        WeightsError: the file is damaged, of another kind, or takes too much.
    """
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        target, said = Path(folder, "state.safetensors"), Path(folder, "said")
        with said.open("wb") as words:
            status = _run(path, target, words.fileno(), seconds + path.stat().st_size // BYTES_A_SECOND)
        if status:
            told = said.read_bytes()[:SAID_BYTES].decode(errors="replace")
            raise WeightsError(told if status == REFUSED else TOO_COSTLY.format(path.name))
        with target.open("rb") as file:
            if int.from_bytes(file.read(8), "little") > MAX_HEADER_BYTES:
                raise WeightsError(TOO_COSTLY.format(path.name))
        return load_file(target)


def _run(path: Path, target: Path, words: int, seconds: int) -> int:
    """Run the process and return how it ended; below zero by a signal, or because its time was up."""
    try:
        return subprocess.run(
            [sys.executable, "-m", __name__, str(path.absolute()), str(target), str(seconds)],
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.DEVNULL,
            timeout=START_SECONDS + WAIT_FACTOR * seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1


def main() -> int:
    """Read one file and write its tensors, or say in one line why not."""
    source, target, seconds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    _limit(source.stat().st_size, seconds)
    try:
        if not is_safetensors(source):
            check_archive(source)
        state = read_state(source)
        if len(state) > MAX_TENSORS:
            raise WeightsError(TOO_COSTLY.format(source.name))
        _write(state, target)
    except WeightsError as error:
        sys.stdout.write(str(error)[:SAID_BYTES])
        return REFUSED
    return 0


def _limit(size: int, seconds: int) -> None:
    torch.set_num_threads(1)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # The signal ends this process.
    limits = {
        resource.RLIMIT_DATA: _data_bytes() + ROOM_BYTES + COPIES * size,
        resource.RLIMIT_FSIZE: size + MAX_HEADER_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def _data_bytes() -> int:
    """Tell what this process takes already, as Linux counts it; elsewhere about what torch takes."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return TORCH_BYTES
    return 1024 * int(status.read_text().partition("VmData:")[2].split()[0])


def _write(state: State, target: Path) -> None:
    try:
        save_file({name: weight.contiguous().clone() for name, weight in state.items()}, target)
    except Exception as error:  # Sparse or quantised tensors, or too little memory for what they say.
        raise WeightsError(ODD_TENSORS) from error


if __name__ == "__main__":
    sys.exit(main())
