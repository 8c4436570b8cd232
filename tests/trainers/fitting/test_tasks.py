"""What networks learn: a refinement corrects its decoder, and partly itself."""

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from explorer.decoders.checkpoint import load_decoder
from explorer.decoders.refinement import fingerprint_decoder, load_refinement
from explorer.metrics.functional import psnr
from tests.trainers.small import small_words
from trainers.config import TrainConfig, load_config
from trainers.fitting.loop import Training
from trainers.train import main


def test_a_refinement_begins_better_than_its_decoder_and_its_file_names_that_decoder(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=2")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = small_words(tmp_path, f"start={first}", "variant=refinement", "steps=4", "save_every=2")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    training.start()
    images = next(training.batches()).images
    decoder, trunk = load_decoder(first), training.trunks[0]
    before = psnr(decoder(trunk(images)), images).mean()
    assert psnr(training.task.reconstruct(training.network, trunk, images), images).mean() > before
    assert main(["layer1", *words]) == 0
    card = load_refinement(tmp_path / "layer1-refinement" / "layer1-refinement.safetensors").card
    assert card.refines == fingerprint_decoder(decoder.network)
    assert (card.passes, card.steps) == (3, 4)


def test_half_of_a_refinements_steps_learn_from_what_it_has_corrected_itself(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = small_words(tmp_path, f"start={first}", "variant=refinement")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    training.start()
    batch, trunk = next(training.batches()), training.trunks[0]
    decoded = load_decoder(first)(trunk(batch.images))
    examples = [training.task.example(training.network, trunk, batch, step) for step in range(24)]
    unrefined = sum(torch.equal(example.picture, decoded) for example in examples)
    assert 8 <= unrefined <= 22  # A draw of no pass counts as well.


def test_a_refinement_without_its_decoder_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["layer1", *small_words(tmp_path, "variant=refinement")]) == 2
    assert "needs start=" in capsys.readouterr().err.splitlines()[-1]
