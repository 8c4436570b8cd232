"""Bad input of `reconstruct` is exit status 2 and one clear line, and nothing is written."""

from pathlib import Path

import pytest

from explorer.lab.lab import Lab
from tests.support.running import reconstruct

pytestmark = pytest.mark.usefixtures("fast_judge")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--layers", "layer9"], "Unknown layer 'layer9'"),
        (["--layers", ","], "not a set of nodes"),
        (["--method", "magic"], "invalid choice: 'magic'"),
        (["--method", "decoder"], "not available for these weights yet"),
        (["--preset", "wild"], "Unknown preset 'wild'"),
        (["--steps", "0"], "steps must be above 0, not 0"),
        (["--steps", "-3"], "steps must be above 0, not -3"),
        (["--steps", "many"], "invalid int value: 'many'"),
        (["--seconds", "-1"], "seconds must be above 0"),
        (["--seconds", "nan"], "seconds must be above 0"),
        (["--seed", "99999999999999999999"], "seed must be from 0"),
        (["--size", "8"], "--size: must be from 32 to 2048, not 8"),
        (["--size", "5000000"], "--size: must be from 32 to 2048, not 5000000"),
        (["--set", "steps=[1"], "Couldn't read 'steps=[1' as YAML"),
        (["--layers", "x"], "Unknown layer 'x'"),  # The network's input node: the picture itself.
        (["--set", "colour=red"], "Unknown setting 'colour'"),
        (["--set", "optimiser=sgd"], "'sgd'"),
        (["--set", "optimiser"], "write key=value"),
    ],
)
def test_bad_options_are_one_clear_line(
    tiny_lab: Lab,
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    before = sorted(tmp_path.iterdir())
    assert reconstruct(photo, "--layers", "layer1", "--out", tmp_path / "out", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("explorer: error: ")
    assert complaint in line
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"plain text", "Couldn't read this file as an image"),
        (b"<svg/>", "Couldn't read this file as an image"),
        (None, "No such file"),
    ],
)
def test_bad_pictures_are_one_clear_line_that_names_the_file(
    tiny_lab: Lab,
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    complaint: str,
) -> None:
    bad = tmp_path / "bad.jpg"
    if content is not None:
        bad.write_bytes(content)
    assert reconstruct(photo, bad, "--out", tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(bad) in line
    assert complaint in line
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_refused_before_the_models_load(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *_, **__: pytest.fail("loaded too early"))
    assert reconstruct(photo, "--out", photo / "below") == 2
    assert "Cannot write to" in capsys.readouterr().err


def test_unknown_weights_are_named(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reconstruct(photo, "--weights", "IMAGENET9", "--out", tmp_path / "out") == 2
    assert "Unknown weights 'IMAGENET9'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
