"""The Explore tab's export: the last answer with its figure, report, code, and the visitor's own pictures."""

import tempfile
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from explorer.experiments.presentation.folder import write_folder
from explorer.images import encode_png
from explorer.lab.lab import Lab
from explorer.ui.session.exploring import OWN_PICTURES, Explored


def pack(lab: Lab, explored: Explored) -> bytes:
    """Return a zip of everything about an answer."""
    question, buffer = explored.question, BytesIO()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(folder, lab, question.describe(lab), explored.result)
        for picture, example, name in zip(question.pictures, question.examples, OWN_PICTURES, strict=False):
            if example is None:
                (folder / name).write_bytes(encode_png(picture.images))
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"{question.name}/{file.name}")
    return buffer.getvalue()
