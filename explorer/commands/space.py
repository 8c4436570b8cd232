"""Put the explorer on a Hugging Face Space: what is needed to run it, or the page without a server."""

from argparse import ArgumentParser, Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, metadata_load
from huggingface_hub.errors import (
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage]
    LocalTokenNotFoundError,
)
from huggingface_hub.utils import filter_repo_objects

from explorer.errors import ExplorerError
from explorer.features.weights import HUB_FILE, HUB_REPOSITORY

ROOT = Path(__file__).parents[2]
README = "README.md"
NEEDED = ["app.py", README, "LICENSE", "requirements.txt", "explorer/**", "checkpoints/**"]
NOT_NEEDED = ["**/__pycache__/**", "**/*.pyi"]
MAX_DESCRIPTION_LENGTH = 60  # The Hub refuses more.
MEGABYTE = 10**6
PAGE = "index.html"
# With these headers a browser lets the page compute on several threads.
STATIC_README = """---
title: ResNet Inversion Explorer
emoji: 🔍
sdk: static
license: cc-by-nc-4.0
custom_headers:
  cross-origin-embedder-policy: require-corp
  cross-origin-opener-policy: same-origin
  cross-origin-resource-policy: cross-origin
---
What each layer of ResNet-50 keeps of a picture, computed in your own browser.
"""


class SpaceError(ExplorerError):
    """A Space that cannot be made; the message says what to change."""


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments of `space`."""
    parser.add_argument("space", metavar="NAME/SPACE", help="the Space, made if it is not there")
    parser.add_argument("--static", type=Path, metavar="FOLDER", help="upload this page, as `site` wrote it")
    parser.add_argument("--dry-run", action="store_true", help="list what would be uploaded, with sizes")


def run(options: Namespace) -> str:
    """Check the front matter, then list or upload the files."""
    if options.static:
        root, files = options.static, find_page(options.static)
    else:
        check_front_matter(metadata_load(ROOT / README) or {})
        root, files = ROOT, find_files(ROOT)
    if options.dry_run:
        return list_sizes(files, root)
    try:
        return _upload_page(options.space, root) if options.static else _upload(options.space, files)
    except LocalTokenNotFoundError as error:
        raise SpaceError("No token of the Hub is here; run `hf auth login` or set HF_TOKEN.") from error
    except (HTTPError, HFValidationError) as error:
        raise SpaceError(f"The Hub did not take {options.space}: {error}") from error


def check_front_matter(fields: dict[str, Any]) -> None:
    """Check what a Space reads at the top of README.md.

    Raises:
        SpaceError: a field is missing or does not fit this repository.
    """
    expected = {
        "sdk": "gradio",
        "sdk_version": version("gradio"),
        "app_file": "app.py",
        "preload_from_hub": [f"{HUB_REPOSITORY} {HUB_FILE}"],
    }
    for name, value in expected.items():
        if fields.get(name) != value:
            raise SpaceError(f"{README} says {name}: {fields.get(name)}; a Space needs {value}.")
    description = str(fields.get("short_description", ""))
    if not 0 < len(description) <= MAX_DESCRIPTION_LENGTH:
        raise SpaceError(
            f"short_description has {len(description)} letters; use 1 to {MAX_DESCRIPTION_LENGTH}."
        )


def find_files(root: Path) -> list[Path]:
    """List what a Space needs, relative to the root: no tests, no training, no CI."""
    paths = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    needed = filter_repo_objects(paths, allow_patterns=NEEDED, ignore_patterns=NOT_NEEDED)
    return sorted(map(Path, needed))


def find_page(folder: Path) -> list[Path]:
    """List the files of a page that `site` wrote, relative to its folder.

    Raises:
        SpaceError: the folder holds no page.
    """
    if not (folder / PAGE).is_file():
        raise SpaceError(f"{folder} holds no {PAGE}; write the page first: make site")
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def list_sizes(files: list[Path], root: Path = ROOT) -> str:
    """Write one line for each file, with its size, and the sum."""
    sizes = [(root / file).stat().st_size for file in files]
    lines = [f"{size / MEGABYTE:8.2f} MB  {file}" for file, size in zip(files, sizes, strict=True)]
    return "\n".join([*lines, f"{sum(sizes) / MEGABYTE:8.2f} MB  in {len(files)} files"])


def _upload(space: str, files: list[Path]) -> str:
    api = HfApi(library_name="resnet-inversion-explorer")
    api.create_repo(space, repo_type="space", space_sdk="gradio", exist_ok=True)
    api.upload_folder(
        repo_id=space,
        repo_type="space",
        folder_path=ROOT,
        allow_patterns=[str(file) for file in files],
        delete_patterns=["explorer/**", "checkpoints/**"],  # Files that are no longer in this repository.
        commit_message="Upload the explorer",
    )
    return f"Uploaded {len(files)} files; the Space starts at {api.endpoint}/spaces/{space}"


def _upload_page(space: str, folder: Path) -> str:
    api = HfApi(library_name="resnet-inversion-explorer")
    api.create_repo(space, repo_type="space", space_sdk="static", exist_ok=True)
    readme = {"path_or_fileobj": STATIC_README.encode(), "path_in_repo": README}
    api.upload_file(**readme, repo_id=space, repo_type="space")
    message = "Upload the page without a server"
    api.upload_folder(
        repo_id=space,
        repo_type="space",
        folder_path=folder,
        delete_patterns=["data/**", "browser/**"],  # Files that are no longer part of the page.
        commit_message=message,
    )
    return f"Uploaded the page: {api.endpoint}/spaces/{space}"
