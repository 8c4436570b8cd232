"""Configurations: bad ones are errors that name the key, shipped ones load."""

import os
from pathlib import Path

import pytest

from trainers.config import CONFIGS, ConfigError, TrainConfig, load_config
from trainers.publish import PublishConfig


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["layer=layer7"], "layer7"),
        (["stepz=3"], "stepz"),
        (["steps=many"], "many"),
        (["steps=0"], "steps"),
        (["data.source=tape"], "tape"),
        (["loss.features={layer9: 1}"], "layer9"),
        (["loss.perceptual_network=alex"], "alex"),
        (["data.source=folder"], "data.folder"),
        (["steps"], "key=value"),
        (["steps=[1"], "YAML"),
    ],
)
def test_bad_settings_are_errors_that_name_them(words: list[str], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        load_config(TrainConfig, None, words)


@pytest.mark.parametrize(
    "text", ["2024_01_05", "007", "photos #1", "a: b", "null", "[new]", "1e3", "'x'", "a${b}"]
)
def test_a_text_is_taken_as_it_is_written(text: str, tmp_path: Path) -> None:
    words = ["data.source=folder", f"data.folder={text}", f"out={text}"]
    config = load_config(TrainConfig, None, words)
    assert (config.data.folder, config.out) == (text, text)


def test_texts_in_lists_and_files_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "out: 2024_01_05\nsteps: 1_000\nbf16: false\nloss: {mse: 1e-1}\nstart: null"
    )
    config = load_config(TrainConfig, tmp_path / "own.yaml", ["weights=[007, untrained]", "threads=2"])
    assert (config.out, config.steps, config.bf16, config.loss.mse) == ("2024_01_05", 1000, False, 0.1)
    assert (config.start, config.weights, config.threads) == (None, ["007", "untrained"], 2)


def test_digests_are_texts_too() -> None:
    config = load_config(PublishConfig, None, ["pictures=x", "digests={0123e456: 00}"])
    assert config.digests == {"0123e456": "00"}


def test_the_home_folder_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    words = [
        "data.source=folder",
        f"data.folder=~/photos{os.pathsep}~/more",
        "start=~/first",
        "weights=[~/own.pth]",
    ]
    config = load_config(TrainConfig, None, words)
    assert config.data.folder == f"/home/ann/photos{os.pathsep}/home/ann/more"
    assert (config.start, config.weights) == ("/home/ann/first", ["/home/ann/own.pth"])


def test_nothing_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    assert load_config(TrainConfig, None, ["out=${oc.env:TOKEN}"]).out == "${oc.env:TOKEN}"


@pytest.mark.parametrize("content", ["steps: 1\nsteps: 2", "- steps", "steps", "\ud800"])
def test_a_file_that_is_no_configuration_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "own.yaml").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        load_config(TrainConfig, tmp_path / "own.yaml", [])


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("layer*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert load_config(TrainConfig, path, []).layer in path.stem
