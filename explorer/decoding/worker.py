"""The process that reads strangers' pictures and tensors: `python -m explorer.decoding.worker DESCRIPTOR`.

Reads requests from a connection and answers with plain bytes, never with objects, which whoever takes over a
decoder could make do anything in the process that unpickles them. Ends with the connection.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import astuple
from multiprocessing.connection import Connection

import PIL.Image

from explorer.decoding.decode import ImageError, decode
from explorer.decoding.square import Crop
from explorer.decoding.tensors import DamagedError, unpack

# Private memory, the 60 MB of the interpreter and a file of 60 MB included.
MEMORY_BYTES = 500_000_000
# Of the processor's time, so that a busy machine refuses nothing; the signal then ends this process.
DECODE_SECONDS = 3.0
# 24 megapixels, as phones take, have taken 3.1 seconds, and nothing makes them smaller while they are read.
HEIC_SECONDS = 10.0
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def main() -> None:
    """Answer until the connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes the connection.
    connection = Connection(int(sys.argv[1]))
    PIL.Image.init()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    # From here on only what libraries say about strangers' files would be written.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    connection.send_bytes(b"ready")
    try:
        while True:
            asked = json.loads(connection.recv_bytes())
            content = connection.recv_bytes()
            signal.setitimer(signal.ITIMER_PROF, allowed_seconds(content))
            if asked.get("tensors"):
                _answer_tensors(connection, content)
            else:
                _answer(connection, content, asked["size"], asked["crop"] and Crop(*asked["crop"]))
            signal.setitimer(signal.ITIMER_PROF, 0)
    except (EOFError, OSError):
        return


def allowed_seconds(content: bytes) -> float:
    """Return how much of the processor's time a file may take."""
    is_heic = content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS
    return HEIC_SECONDS if is_heic else DECODE_SECONDS


def _answer(connection: Connection, content: bytes, size: int, crop: Crop | None) -> None:
    try:
        decoded = decode(content, size, crop)
    except ImageError as error:
        connection.send_bytes(json.dumps({"error": str(error)}).encode())
        return
    connection.send_bytes(json.dumps({"notice": decoded.notice, "rows": len(decoded.pixels)}).encode())
    connection.send_bytes(decoded.pixels.tobytes())


def _answer_tensors(connection: Connection, content: bytes) -> None:
    try:
        unpacked = unpack(content)
    except DamagedError as error:
        connection.send_bytes(json.dumps({"error": str(error)}).encode())
        return
    tensors = [astuple(held) for held in unpacked.tensors]
    connection.send_bytes(json.dumps({"tensors": tensors, "words": unpacked.words}).encode())
    connection.send_bytes(unpacked.content)


if __name__ == "__main__":
    main()
