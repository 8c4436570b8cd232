"""What networks learn: a refinement corrects its decoder, and partly itself."""

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from explorer.decoders import refinement
from explorer.decoders.checkpoint import load_decoder
from explorer.decoders.refinement import RefinedDecoder, fingerprint_decoder, load_refinement
from explorer.metrics.functional import psnr
from tests.support.small import small_words
from trainers.config import ConfigError, TrainConfig, load_config
from trainers.fitting.loop import Training
from trainers.train import main


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_refinement_goes_on_from_a_smaller_one_whose_pictures_it_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    widths, blocks, rank = refinement.REFINEMENT_SHAPES["layer1"]
    fewer = (widths, (blocks[0] - 2, *blocks[1:]), rank)
    monkeypatch.setattr(refinement, "REFINEMENT_SHAPES", {"layer1": fewer})
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = small_words(tmp_path, f"start={first}", "variant=refinement", "steps=2")
    assert main(["layer1", *words]) == 0
    monkeypatch.undo()
    smaller = tmp_path / "layer1-refinement" / "layer1-refinement.safetensors"
    words = [*words, f"start_refinement={smaller}", f"out={tmp_path / 'on'}"]
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    training.start()
    images, trunk = next(training.batches()).images, training.trunks[0]
    expected = RefinedDecoder(load_decoder(first), load_refinement(smaller), trunk)(trunk(images))
    found = training.task.reconstruct(training.network, trunk, images)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert main(["layer1", *words]) == 0
    monkeypatch.setattr(refinement, "REFINEMENT_SHAPES", {"layer1": fewer})
    larger = tmp_path / "on" / "layer1-refinement" / "layer1-refinement.safetensors"
    again = [*words, f"start_refinement={larger}", f"out={tmp_path / 'less'}"]
    assert main(["layer1", *again]) == 2
    assert "Only blocks may be added" in capsys.readouterr().err.splitlines()[-1]


def test_a_refinement_without_its_decoder_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["layer1", *small_words(tmp_path, "variant=refinement")]) == 2
    assert "needs start=" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_cached_training_learns_as_one_that_computes_its_features(tmp_path: Path) -> None:
    words = ["layer=layer4", "data.size=64", "steps=1", "cache_batches=2", "optimiser.warmup_steps=1"]
    kept = small_words(tmp_path, *words, f"cache={tmp_path / 'kept'}")
    training = Training(load_config(TrainConfig, None, kept), Accelerator(cpu=True))
    assert list(training.fill_cache()) == [0, 1]
    training.start()
    batch = next(training.batches())
    assert batch.images.shape == (4, 3, 8, 8)
    assert batch.features is not None
    assert batch.features.shape == (4, 2048, 2, 2)
    (progress,) = training.run()
    assert progress.step == 1
    reconstruction = training.reconstruct(torch.rand(1, 3, 64, 64))
    assert reconstruction.shape == (1, 3, 64, 64)


@pytest.mark.slow
def test_the_cache_keeps_what_the_task_would_compute(tmp_path: Path) -> None:
    words = small_words(tmp_path, "layer=layer4", "data.size=64", "cache_batches=1")
    kept = load_config(TrainConfig, None, [*words, f"cache={tmp_path / 'kept'}"])
    training = Training(kept, Accelerator(cpu=True))
    list(training.fill_cache())
    plain = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    expected = plain.task.example(plain.network, plain.trunks[0], next(plain.batches()), 0)
    batch = next(training.batches())
    order = [int((batch.images - image).square().sum((1, 2, 3)).argmin()) for image in expected.target]
    assert sorted(order) == [0, 1, 2, 3]
    torch.testing.assert_close(batch.images[order], expected.target, atol=1e-3, rtol=0)
    assert batch.features is not None
    torch.testing.assert_close(batch.features[order], expected.inputs, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("word", ["variant=refinement", "loss.perceptual=0.1", "loss.features={layer4: 1}"])
def test_what_a_cache_cannot_serve_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="leave it out here"):
        load_config(TrainConfig, None, ["cache=kept", word])
