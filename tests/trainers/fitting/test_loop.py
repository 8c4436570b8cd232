"""The training loop: it learns, splits over processes, and starts from another decoder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from explorer.decoders.checkpoint import load_decoder
from tests.support.gradients import save_gradients
from tests.support.processes import launch
from tests.support.small import small_words
from trainers.config import TrainConfig, load_config
from trainers.fitting.loop import Training
from trainers.train import main


@pytest.mark.slow
def test_training_lowers_the_loss_in_seconds(tmp_path: Path) -> None:
    words = small_words(tmp_path, "steps=40", "optimiser.warmup_steps=2")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    losses = [sum(progress.losses.values()) for progress in training.run()]
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


@pytest.mark.slow
def test_two_processes_give_the_gradients_of_one_with_the_whole_batch(tmp_path: Path) -> None:
    words = small_words(tmp_path, "optimiser.clip_norm=1e9")
    save_gradients(Accelerator(cpu=True), tmp_path / "1.pt", words)
    launch(2, "-m", "tests.support.gradients", str(tmp_path / "2.pt"), *words)
    one, two = (torch.load(tmp_path / f"{processes}.pt") for processes in (1, 2))
    assert (one["processes"], two["processes"]) == (1, 2)
    for name, gradient in one["gradients"].items():
        torch.testing.assert_close(two["gradients"][name], gradient, atol=1e-6, rtol=1e-3)


@pytest.mark.slow
def test_a_second_variant_starts_from_a_trained_decoder(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = small_words(tmp_path, f"start={first}", "variant=consistent")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    training.start()
    expected = load_decoder(first).network.state_dict()
    for name, tensor in training.network.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])


@pytest.mark.slow
def test_frozen_parts_keep_their_first_weights_to_the_bit_and_the_others_learn(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = [f"start={first}", "variant=consistent", "frozen=[stem,scales.0]", "steps=3"]
    assert main(["layer1", *small_words(tmp_path, *words, "optimiser.warmup_steps=1")]) == 0
    before = load_decoder(first).network.state_dict()
    after = load_decoder(
        tmp_path / "layer1-consistent" / "layer1-consistent.safetensors"
    ).network.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept >= {name for name in before if name.startswith(("stem.", "scales.0."))}
    assert "scales.1.0.conv.weight" not in kept
    assert "to_image.weight" not in kept


def test_a_frozen_part_that_is_not_there_is_one_line_that_names_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1", "frozen=[scales.0,sta]")]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "'sta'" in line
    assert "stem" in line
