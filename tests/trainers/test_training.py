"""Training: it learns, resumes exactly after a kill, splits over processes, and survives broken data."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as PILImage

from explorer.decoders.checkpoint import LINEAR, Decoder, decoder_path, load_decoder, read_card, save_decoder
from explorer.decoders.network import DecoderNetwork
from explorer.examples import EXAMPLES, load_example
from explorer.features.backbone import load_backbone
from explorer.images import to_pil
from explorer.lab.models import Models
from tests.processes import launch
from trainers import fit_linear
from trainers.config import CONFIGS, ConfigError, DataConfig, TrainConfig, load_config
from trainers.data.crops import Share
from trainers.data.folders import training_batches
from trainers.fitting.linear_head import start_from_regression
from trainers.fitting.loop import Training
from trainers.runs.run_folder import RunFolder
from trainers.train import main

ROOT = Path(__file__).parents[2]
WHOLE = Share(rank=0, processes=1, batch_size=4)
# The real ResNet-50 without training, on small pictures: seconds on two cores, and no file needed.
SMALL = ["weights=[untrained]", "batch_size=4", "linear_batches=2", "bf16=false", "threads=1"]
SMALL_DATA = ["data.source=skimage", "data.size=32", "data.workers=0"]


def small_words(out: Path, *words: str) -> list[str]:
    return [*SMALL, *SMALL_DATA, f"out={out}", *words]


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    state = RunFolder(out / "layer1-faithful").load_state()
    assert state is not None
    return state["network"]


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in EXAMPLES:
        to_pil(load_example(name, size=64).images).save(folder / f"{name}.png")
    return folder


def write_imagenet_like(folder: Path, pictures: list[Any], files: int = 1) -> Path:
    """Write a Parquet set in ImageNet-1K's own schema."""
    schema = Features(
        {"image": Image(), "label": ClassLabel(names=[f"class {index}" for index in range(1000)])}
    )
    rows = {"image": pictures, "label": list(range(len(pictures)))}
    whole = Dataset.from_dict(rows, features=schema)
    folder.mkdir()
    for index in range(files):
        part = whole.shard(files, index, contiguous=True)
        part.to_parquet(folder / f"train-{index:05d}-of-{files:05d}.parquet", batch_size=5)
    return folder


def grey_stream(folder: Path, pictures: int, buffer: int, files: int = 1) -> DataConfig:
    """A streamed set whose pictures are of one grey level each: their own number."""
    greys = [PILImage.new("RGB", (32, 32), (level, level, level)) for level in range(pictures)]
    dataset = str(write_imagenet_like(folder, greys, files))
    return DataConfig(source="hf", dataset=dataset, size=32, max_zoom=1.0, shuffle_buffer=buffer)


def grey_levels(config: DataConfig, share: Share, batches: int) -> list[int]:
    """The numbers of the pictures in some batches of a grey stream."""
    found = islice(training_batches(config, share, seed=0), batches)
    return [round(float(image.mean()) * 255) for batch in found for image in batch.images]


@pytest.fixture
def imagenet_like(tmp_path: Path) -> Path:
    """41 pictures in two files, one of them broken."""
    photos = [to_pil(load_example(name, size=64).images) for name in EXAMPLES] * 4
    broken = {"bytes": b"not a picture", "path": "broken.jpg"}
    return write_imagenet_like(tmp_path / "imagenet", [*photos, broken], files=2)


def test_training_lowers_the_loss_in_seconds(tmp_path: Path) -> None:
    words = small_words(tmp_path, "steps=40", "optimiser.warmup_steps=2")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    losses = [sum(progress.losses.values()) for progress in training.run()]
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


def test_the_fitted_head_beats_the_mean_colour_before_any_step(tmp_path: Path) -> None:
    training = Training(load_config(TrainConfig, None, small_words(tmp_path)), Accelerator(cpu=True))
    images = next(training.batches()).images
    start_from_regression(training.network, training.trunks[0], [images])
    with torch.no_grad():
        error = (training.network(training.trunks[0](images)["layer1"]) - images).square().mean()
    assert error < 0.5 * images.var()


def test_decoder_without_a_head_starts_at_the_mean_colour_with_standardised_features(tmp_path: Path) -> None:
    training = Training(load_config(TrainConfig, None, small_words(tmp_path)), Accelerator(cpu=True))
    images = next(training.batches()).images
    features = training.trunks[0](images)["layer1"]
    network = DecoderNetwork(replace(training.network.config, linear_rank=0))
    start_from_regression(network, training.trunks[0], [images])
    reconstruction = network(features)
    colour = images.mean(dim=(0, 2, 3), keepdim=True)
    torch.testing.assert_close(reconstruction, colour.expand_as(reconstruction))
    standardised = (features - network.mean) / network.std
    torch.testing.assert_close(
        standardised.mean(dim=(0, 2, 3)), torch.zeros(len(network.mean[0])), atol=1e-4, rtol=0
    )


def test_fitted_linear_decoder_is_preferred_to_one_of_the_examples(tmp_path: Path) -> None:
    assert fit_linear.main(["layer1", *small_words(tmp_path)]) == 0
    fitted = decoder_path(tmp_path / "layer1-linear", "layer1", LINEAR)
    shipped = decoder_path(tmp_path / "checkpoints" / "resnet50", "layer1", LINEAR)
    save_decoder(load_decoder(fitted).network, read_card(fitted), shipped)
    models = Models(load_backbone("untrained"), torch.device("cpu"), tmp_path / "checkpoints")
    decoder = models.linear("layer1")
    images = load_example("cat", size=64).images
    error = (decoder(models.trunk("layer1")(images)) - images).square().mean()
    assert isinstance(decoder, Decoder) and decoder.card.pictures == 8
    assert error < 0.5 * images.var()


def test_killed_training_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    words = ["steps=12", "save_every=2", "log_every=2"]
    assert main(["layer1", *small_words(tmp_path / "whole", *words)]) == 0
    command = [sys.executable, "-m", "trainers.train", "layer1", *small_words(tmp_path / "killed", *words)]
    process = subprocess.Popen(command, cwd=ROOT)
    state = tmp_path / "killed" / "layer1-faithful" / "state.pt"
    deadline = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(state.parent.glob("*.safetensors")) or load_decoder(
        next(state.parent.glob("*.safetensors"))
    )
    stopped = RunFolder(state.parent).load_state()
    assert stopped is not None and 0 < stopped["step"] < 12
    subprocess.run(command, cwd=ROOT, check=True)
    expected, found = final_weights(tmp_path / "whole"), final_weights(tmp_path / "killed")
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-5)


def test_finished_run_leaves_a_decoder_a_history_a_curve_and_a_manifest(
    tmp_path: Path, photo_folder: Path
) -> None:
    words = small_words(
        tmp_path, "steps=2", "save_every=1", "log_every=1", f"validation_folder={photo_folder}"
    )
    assert main(["layer1", *words, "validation_pictures=2"]) == 0
    folder = tmp_path / "layer1-faithful"
    names = {path.name for path in folder.iterdir()}
    assert {"state.pt", "history.csv", "loss.png", "manifest.json", "layer1-faithful.safetensors"} <= names
    assert any(path.name.startswith("events") for path in folder.rglob("*"))
    card = load_decoder(folder / "layer1-faithful.safetensors").card
    assert (card.steps, card.pictures) == (2, 8)
    assert card.figures["training_validation_psnr_db"] > 0


def test_two_processes_give_the_gradients_of_one_with_the_whole_batch(tmp_path: Path) -> None:
    results = []
    for processes in (1, 2):
        out = tmp_path / f"{processes}.pt"
        words = small_words(tmp_path, "optimiser.clip_norm=1e9")
        launch(processes, "-m", "tests.trainers.gradients", str(out), *words)
        results.append(torch.load(out))
    one, two = results
    assert (one["processes"], two["processes"]) == (1, 2)
    for name, gradient in one["gradients"].items():
        torch.testing.assert_close(two["gradients"][name], gradient, atol=1e-6, rtol=1e-3)


def test_a_second_variant_starts_from_a_trained_decoder(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    first = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    words = small_words(tmp_path, f"start={first}", "variant=perceptual")
    training = Training(load_config(TrainConfig, None, words), Accelerator(cpu=True))
    training.start()
    expected = load_decoder(first).network.state_dict()
    for name, tensor in training.network.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])


def test_shares_of_two_processes_make_up_the_whole_batch(photo_folder: Path) -> None:
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    whole = list(islice(training_batches(config, WHOLE, seed=0), 3))
    parts = [list(islice(training_batches(config, Share(rank, 2, 2), seed=0), 3)) for rank in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        torch.testing.assert_close(torch.cat([first.images, second.images]), batch.images)


def test_folder_batches_go_on_from_any_step(photo_folder: Path) -> None:
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=1)
    batches = list(islice(training_batches(config, WHOLE, seed=3), 4))
    resumed = next(training_batches(config, WHOLE, seed=3, first_step=3))
    torch.testing.assert_close(resumed.images, batches[3].images)


def test_broken_pictures_are_skipped_and_named(photo_folder: Path) -> None:
    (photo_folder / "aaa-broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    batches = list(islice(training_batches(config, WHOLE, seed=0), 3))
    assert any("aaa-broken.jpg" in name for batch in batches for name in batch.broken)
    assert all(batch.images.shape == (4, 3, 32, 32) for batch in batches)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_of_only_broken_pictures_is_an_error_of_one_line(tmp_path: Path, workers: int) -> None:
    (tmp_path / "one.jpg").write_bytes(b"no")
    config = DataConfig(source="folder", folder=str(tmp_path), size=32, workers=workers)
    with pytest.raises(ConfigError, match=r"one\.jpg") as caught:
        next(training_batches(config, WHOLE, seed=0))
    assert len(str(caught.value).splitlines()) == 1


def test_empty_folder_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, "data.source=folder", f"data.folder={tmp_path / 'empty'}", f"out={tmp_path}"]
    (tmp_path / "empty").mkdir()
    assert main(["layer1", *words]) == 2
    assert "No pictures" in capsys.readouterr().err


def test_broken_validation_picture_is_one_line_that_names_it_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "held out").mkdir()
    (tmp_path / "held out" / "bad.jpg").write_bytes(b"no")
    words = small_words(tmp_path, "steps=1", f"validation_folder={tmp_path / 'held out'}")
    assert main(["layer1", *words]) == 2
    assert "bad.jpg: Couldn't read" in capsys.readouterr().err.splitlines()[-1]


def test_imagenet_schema_streams_in_shares_and_skips_the_broken(imagenet_like: Path) -> None:
    config = DataConfig(source="hf", dataset=str(imagenet_like), size=32, shuffle_buffer=8, workers=2)
    batches = list(islice(training_batches(config, WHOLE, seed=0), 12))
    assert all(batch.images.shape == (4, 3, 32, 32) for batch in batches)
    assert any("broken.jpg" in name for batch in batches for name in batch.broken)
    first, second = (next(training_batches(config, Share(rank, 2, 2), seed=0)).images for rank in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("files", [1, 2, 3])
def test_two_processes_see_every_streamed_picture_once_an_epoch(tmp_path: Path, files: int) -> None:
    config = grey_stream(tmp_path / "grey", 24, buffer=5, files=files)
    first, second = (grey_levels(config, Share(rank, 2, 4), batches=6) for rank in range(2))
    for epoch in (slice(0, 12), slice(12, 24)):
        assert sorted(first[epoch] + second[epoch]) == list(range(24))


def test_a_stream_is_in_a_new_order_each_epoch_files_included(tmp_path: Path) -> None:
    config = grey_stream(tmp_path / "grey", 24, buffer=3, files=8)
    levels = grey_levels(config, WHOLE, batches=18)
    epochs = [levels[:24], levels[24:48], levels[48:]]
    assert all(sorted(epoch) == list(range(24)) for epoch in epochs)
    files = [[level // 3 for level in epoch[::3]] for epoch in epochs]
    assert files[0] != files[1] != files[2]
    assert any(level % 3 for level in levels[::3])  # The rows of a block are shuffled too.


def test_the_end_of_an_epoch_is_carried_into_the_next(tmp_path: Path) -> None:
    levels = grey_levels(grey_stream(tmp_path / "grey", 6, buffer=4), WHOLE, batches=3)
    assert sorted(levels[:6]) == sorted(levels[6:]) == list(range(6))


@pytest.mark.parametrize("buffer", [8, 100])
def test_a_stream_goes_on_exactly_where_its_batch_says(imagenet_like: Path, buffer: int) -> None:
    """Batches of 4 from 41 pictures: stops lie within blocks, at their ends, and across an epoch's end."""
    config = DataConfig(source="hf", dataset=str(imagenet_like), size=32, shuffle_buffer=buffer)
    whole = list(islice(training_batches(config, WHOLE, seed=0), 13))
    position = None
    for stop, expected in enumerate(whole):
        once = next(training_batches(config, WHOLE, seed=0, position=position))
        position = once.position  # Of a resumed run: it is stopped after each batch.
        after = training_batches(config, WHOLE, seed=0, position=expected.position)
        found = [once, *islice(after, 2)]
        for batch, wanted in zip(found, whole[stop : stop + 3], strict=False):
            assert torch.equal(batch.images, wanted.images)
            assert batch.broken == wanted.broken


@pytest.mark.parametrize(
    ("words", "part"), [(["data.dataset=/no/such/folder"], "/no/such/folder"), (["data.split=moon"], "moon")]
)
def test_a_stream_that_cannot_be_had_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    stream = [
        "data.source=hf",
        "data.size=32",
        f"data.dataset={grey_stream(tmp_path / 'grey', 4, 1).dataset}",
    ]
    assert main(["layer1", *SMALL, *stream, f"out={tmp_path / 'out'}", *words]) == 2
    assert part in capsys.readouterr().err.splitlines()[-1]


def test_a_stream_without_a_column_of_images_is_an_error_that_names_its_columns(tmp_path: Path) -> None:
    Dataset.from_dict({"picture": [1, 2]}).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    config = DataConfig(source="hf", dataset=str(tmp_path), size=32)
    with pytest.raises(ConfigError, match="'image', only picture"):
        next(training_batches(config, WHOLE, seed=0))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["layer=layer7"], "layer7"),
        (["stepz=3"], "stepz"),
        (["steps=many"], "many"),
        (["steps=0"], "steps"),
        (["data.source=tape"], "tape"),
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


def test_pictures_of_any_mode_train(photo_folder: Path) -> None:
    PILImage.new("L", (80, 60), 90).save(photo_folder / "grey.png")
    PILImage.new("RGBA", (60, 80), (255, 0, 0, 128)).save(photo_folder / "glass.png")
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    assert not any(batch.broken for batch in islice(training_batches(config, WHOLE, seed=0), 4))
