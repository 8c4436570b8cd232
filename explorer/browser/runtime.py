"""ONNX Runtime Web, which computes graphs in a browser: one version from npm, known by its digest."""

import base64
import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from explorer.errors import ExplorerError

PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
TIMEOUT_SECONDS = 300
# By what computes: the script, the one that it loads, and the program that the latter runs.
FILES: Mapping[str, Mapping[str, str]] = {
    "wasm": {
        "script": "ort.wasm.min.mjs",
        "loader": "ort-wasm-simd-threaded.mjs",
        "binary": "ort-wasm-simd-threaded.wasm",
    },
    "webgpu": {
        "script": "ort.webgpu.min.mjs",
        "loader": "ort-wasm-simd-threaded.asyncify.mjs",
        "binary": "ort-wasm-simd-threaded.asyncify.wasm",
    },
}


class RuntimeUnavailableError(ExplorerError):
    """The runtime cannot be had here; the message says why."""


def fetch_runtime() -> dict[str, bytes]:
    """Fetch the runtime's files by name, the programs deflated.

    Raises:
        RuntimeUnavailableError: npm is missing or cannot fetch the package, or what came is not that version.
    """
    archive = _pack()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode("ascii")
    if found != INTEGRITY:
        raise RuntimeUnavailableError(f"npm's {PACKAGE} is {found}, not the expected {INTEGRITY}.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        names = {name for runtime in FILES.values() for name in runtime.values()}
        return {name: _read(package, name) for name in sorted(names)}


def _pack() -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeUnavailableError("npm is not installed here.")
    with TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--prefer-offline"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise RuntimeUnavailableError(f"npm cannot fetch {PACKAGE} ({error}).") from error
        return next(Path(folder).glob("*.tgz")).read_bytes()


def _read(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(f"package/dist/{name}")
    assert file is not None  # Its digest says that it is there.
    content = file.read()
    return gzip.compress(content, 9, mtime=0) if name.endswith(".wasm") else content
