"""Configurations: bad ones are errors that name the key, shipped ones load."""

from pathlib import Path

import pytest

from trainers.config import CONFIGS, ConfigError, TrainConfig, load_config


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


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("layer*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert load_config(TrainConfig, path, []).layer in path.stem
