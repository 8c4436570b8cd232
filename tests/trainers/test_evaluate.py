"""The evaluation's table and the published decoders: true means, baselines, reproducible figures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    LINEAR,
    VARIANTS,
    decoder_path,
    load_decoder,
    save_decoder,
)
from explorer.decoders.network import ARCHITECTURES, DecoderNetwork
from explorer.examples import EXAMPLES, load_example
from explorer.features.backbone import load_backbone
from explorer.features.layers import LAYERS
from explorer.features.trunk import build_trunk
from explorer.images import SIZE, to_pil
from explorer.lines import append_line, read_lines
from tests.decoders.test_checkpoint import make_card
from tests.processes import launch
from trainers.evaluate import main as evaluate
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.publish import CHECKED_FIGURE, CHECKED_PICTURES
from trainers.publish import main as publish

SHIPPED = sorted(CHECKPOINTS.glob("*/*.safetensors"))
MAX_FILE_BYTES = 16_000_000


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in EXAMPLES[:2]:
        to_pil(load_example(name).images).save(folder / f"{name}.png")
    return folder


def test_two_processes_share_the_pictures_and_find_what_one_finds(tmp_path: Path, photos: Path) -> None:
    records = []
    for processes in (1, 2):
        out = tmp_path / f"out{processes}"
        words = [f"folder={photos}", f"out={out}", "weights=untrained", "layers=[layer1]", "threads=1"]
        words += ["methods=[optimiser]", "steps={optimiser: 2}", "iterative_pictures=2", "grid_pictures=0"]
        launch(processes, "-m", "trainers.evaluate", *words)
        rows = json.loads((out / "table.json").read_text())["records"]
        for row in rows:
            del row["seconds"]
        records.append(sorted(rows, key=lambda row: (row["image"], row["method"])))
    assert len(records[0]) == 6  # Two pictures by one method and two baselines.
    assert records[0] == records[1]


def test_evaluation_scores_methods_and_baselines_and_goes_on_where_it_stopped(
    tmp_path: Path, photos: Path
) -> None:
    words = [f"folder={photos}", f"out={tmp_path / 'out'}", "weights=untrained", "layers=[layer1]"]
    words += [
        "methods=[optimiser]",
        "steps={optimiser: 2}",
        "iterative_pictures=1",
        "grid_pictures=1",
        "threads=1",
    ]
    assert evaluate(words) == 0
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    found = [(row["image"], row["method"]) for row in table["records"]]
    first, second = (path.name for path in sorted(photos.iterdir()))
    baselines = [(name, method) for name in (first, second) for method in ("mean image", "random pair")]
    assert sorted(found) == sorted([*baselines, (first, "optimiser")])
    assert (tmp_path / "out" / f"grid-{Path(first).stem}.png").is_file()
    (kept,) = (tmp_path / "out").glob("pictures-*/0.jsonl")
    line, *others = read_lines(kept)
    line["records"][0]["psnr_db"] = 99.0
    kept.unlink()
    for marked in (line, *others):
        append_line(kept, marked)
    assert evaluate(words) == 0
    assert json.loads((tmp_path / "out" / "table.json").read_text())["records"][0]["psnr_db"] == 99.0


def test_evaluation_keeps_pictures_of_one_name_apart(tmp_path: Path) -> None:
    for folder, name in zip("ab", EXAMPLES, strict=False):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        to_pil(load_example(name).images).save(tmp_path / "photos" / folder / "1.png")
    words = [f"folder={tmp_path / 'photos'}", f"out={tmp_path / 'out'}", "weights=untrained"]
    assert evaluate([*words, "layers=[layer1]", "methods=[]", "grid_pictures=0", "threads=1"]) == 0
    records = json.loads((tmp_path / "out" / "table.json").read_text())["records"]
    assert len({row["psnr_db"] for row in records if row["method"] == "mean image"}) == 2


def test_evaluation_starts_afresh_when_a_decoder_it_uses_has_changed(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.evaluate.CHECKPOINTS", tmp_path)
    words = [f"folder={photos}", f"out={tmp_path / 'out'}", "weights=untrained", "layers=[layer1]"]
    words += ["methods=[]", "pictures=1", "grid_pictures=0", "threads=1"]
    (tmp_path / "backbone").mkdir()
    folders = []
    for layer, content in [("layer1", b"old"), ("layer2", b"unused"), ("layer1", b"new")]:
        decoder_path(tmp_path / "backbone", layer, "faithful").write_bytes(content)
        assert evaluate(words) == 0
        folders.append(len(list((tmp_path / "out").glob("pictures-*"))))
    assert folders == [1, 1, 2]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["folder="], "folder"),
        (["folder=x", "layers=[layer8]"], "layer8"),
        (["folder=x", "pixels=3"], "pixels"),
    ],
)
def test_bad_settings_end_with_one_line_and_exit_code_2(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(words) == 2
    assert part in capsys.readouterr().err


def test_published_decoder_carries_measured_figures_and_the_digests(tmp_path: Path, photos: Path) -> None:
    trunk = build_trunk(load_backbone("untrained").network, "layer1")
    network = DecoderNetwork(ARCHITECTURES["layer1"])
    runs, out = tmp_path / "runs", tmp_path / "out"
    card = replace(make_card(trunk.fingerprint), config=ARCHITECTURES["layer1"])
    save_decoder(network, card, decoder_path(runs / "layer1-faithful", "layer1", "faithful"))
    words = [f"runs={runs}", f"out={out}", f"pictures={photos}", "weights=untrained", "layers=[layer1]"]
    assert publish([*words, "digests={0676ba61: the real file}"]) == 0
    published = load_decoder(decoder_path(out, "layer1", "faithful"))
    images = validation_images(str(photos), CHECKED_PICTURES, SIZE)
    assert published.card.figures[CHECKED_FIGURE] == pytest.approx(
        validation_psnr(published.network, trunk, images)
    )
    assert published.card.digests == {"0676ba61": "the real file"}


def test_every_layer_ships_a_faithful_decoder() -> None:
    names = {path.name for path in SHIPPED}
    assert {f"{layer}-faithful.safetensors" for layer in LAYERS} <= names
    assert names <= {f"{layer}-{variant}.safetensors" for layer in LAYERS for variant in VARIANTS}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_is_small_and_says_where_it_comes_from(path: Path) -> None:
    card = load_decoder(path).card
    assert path.stem == f"{card.config.layer}-{card.variant}"
    assert path.stat().st_size <= MAX_FILE_BYTES
    assert card.pictures > 0 and card.data and card.licence and card.figures
    assert (card.steps > 0) == (card.variant != LINEAR)


@pytest.mark.pretrained
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_reproduces_its_cards_figure(path: Path, shared_folder: Path) -> None:
    decoder = load_decoder(path)
    trunk = build_trunk(load_backbone().network, decoder.card.config.layer)
    images = validation_images(str(shared_folder / "images" / "val"), CHECKED_PICTURES, SIZE)
    with torch.no_grad():
        found = validation_psnr(decoder.network, trunk, images)
    assert found == pytest.approx(decoder.card.figures[CHECKED_FIGURE], abs=0.05)
