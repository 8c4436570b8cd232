"""A run's folder: a state that a full disk or a kill of the machine has cut short."""

from pathlib import Path

import pytest
import torch

from trainers.config import ConfigError
from trainers.runs.run_folder import STATE, RunFolder


def test_there_is_no_state_before_the_first(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).load_state() is None


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_state_cut_short_is_one_line_with_the_way_on(tmp_path: Path, kept: float) -> None:
    folder = RunFolder(tmp_path)
    folder.save_state({"step": 3, "network": torch.zeros(1000)})
    whole = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(ConfigError, match=r"state\.pt is cut short .* delete it to begin the run anew"):
        folder.load_state()


@pytest.mark.parametrize("word", [b"torch", b"Storage", b"OrderedDict", b"PK"])
def test_a_state_with_foreign_bytes_is_that_line_too(tmp_path: Path, word: bytes) -> None:
    folder = RunFolder(tmp_path)
    folder.save_state({"step": 3, "network": torch.zeros(10)})
    whole = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(whole.replace(word, b"\xff" * len(word)))
    with pytest.raises(ConfigError, match="delete it to begin the run anew"):
        folder.load_state()
