"""The READMEs: their links lead somewhere, and their commands are ones that the programs take."""

import re
import shlex
from pathlib import Path

import pytest

from explorer.__main__ import _build_parser

ROOT = Path(__file__).parents[1]
READMES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(path for room in ("explorer", "trainers", "checkpoints") for path in (ROOT / room).rglob("README.md")),
]
EXPLORER = re.compile(r"python -m explorer (.+?)(?: {2,}#.*)?$", re.MULTILINE)


def shell_commands(path: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return [command for block in blocks for command in EXPLORER.findall(block)]


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_the_explorer_is_one_that_it_takes(path: Path) -> None:
    for command in shell_commands(path):
        assert callable(_build_parser().parse_args(shlex.split(command)).run)


def test_the_welcome_shows_commands_and_stays_short() -> None:
    assert len(shell_commands(READMES[0])) >= 2
    assert len(READMES[0].read_text(encoding="utf-8").splitlines()) <= 140
