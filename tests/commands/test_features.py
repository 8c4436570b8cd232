"""Features out of one command, into another: the same pictures to the bit; what is refused, in one line."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.__main__ import main
from explorer.features.recorded import KEY, FeaturesError, read_features
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.methods import is_iterative
from tests.support.made import SIZE as SIDE
from tests.support.tiny import stand_in

LAYER = "layer3"


@pytest.fixture
def picture() -> Picture:
    generator = torch.Generator().manual_seed(5)
    return Picture("photo", torch.rand(1, 3, SIDE, SIDE, generator=generator))


@pytest.fixture
def file(coarse_lab: Lab, picture: Picture, tmp_path: Path) -> Path:
    coarse_lab.record(picture).write(tmp_path / "features.safetensors")
    return tmp_path / "features.safetensors"


@pytest.mark.parametrize("method", ["linear", "optimiser", "hybrid"])
@pytest.mark.parametrize("layer", ["layer1", "layer4"])
def test_features_from_a_file_give_the_same_picture_to_the_bit(
    coarse_lab: Lab, picture: Picture, file: Path, layer: str, method: str
) -> None:
    at = coarse_lab.at(layer)
    settings = at.settings(method, evaluations=6) if is_iterative(method) else None
    made = [at.reconstruct(source, method, settings) for source in (picture, read_features(file))]
    assert torch.equal(made[0].images, made[1].images)


def test_what_needs_the_original_is_missing_with_its_reason(
    coarse_lab: Lab, picture: Picture, file: Path
) -> None:
    made = coarse_lab.at(LAYER).reconstruct(picture, "linear")
    own, recorded = (coarse_lab.score(source, made).plain() for source in (picture, read_features(file)))
    for key in ("psnr_db", "ssim", "lpips", "thumbnail_side", "recognised_top5"):
        assert recorded[key] is None
        assert "no original picture" in recorded["reasons"][key]
    for key in ("feature_error", "feature_cosine", "top5_agreement", "top1_agreement"):
        assert recorded[key] == pytest.approx(own[key], abs=0.01)


def test_the_command_writes_what_reconstruct_takes(
    coarse_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(coarse_lab, monkeypatch)
    file, out = tmp_path / "cat.safetensors", tmp_path / "out"
    assert main(["features", "cat", "--layers", "layer1,layer3", "--size", "64", "--out", str(file)]) == 0
    assert {node: held.shape for node, held in load_file(file).items()} == {
        "layer1": (1, 256, 16, 16), "layer3": (1, 1024, 4, 4),
    }  # fmt: skip
    assert main(["reconstruct", str(file), "--method", "linear", "--out", str(out)]) == 0
    assert "goes on to class" in capsys.readouterr().err
    rows = json.loads((out / "report.json").read_text())["results"]
    assert [(row["layer"], row["psnr_db"], row["feature_error"] is None) for row in rows] == [
        ("layer1", None, False), ("layer3", None, False),
    ]  # fmt: skip
    assert sorted(path.name for path in (out / "cat").iterdir()) == [
        "layer1-linear.png", "layer3-linear.png", "sheet.png",
    ]  # fmt: skip


def test_a_bare_tensor_is_of_the_layer_that_is_named(
    coarse_lab: Lab, picture: Picture, tmp_path: Path
) -> None:
    maps = coarse_lab.at(LAYER).encode(picture)[LAYER]
    save_file({"activations": maps[0].contiguous()}, tmp_path / "bare.safetensors")
    recorded = read_features(tmp_path / "bare.safetensors", layers=[LAYER], size=SIDE)
    assert torch.equal(coarse_lab.at(LAYER).encode(recorded)[LAYER], maps)


MAPS = torch.zeros(1, 1024, 4, 4)
REFUSED = {
    "wrong shape": ({LAYER: torch.zeros(1, 1024, 7, 7)}, "are 1024 x 7 x 7, but .* gives 1024 x 4 x 4"),
    "not finite": ({LAYER: MAPS + float("nan")}, "infinite or no number"),
    "whole numbers": ({LAYER: MAPS.int()}, "no floating-point numbers"),
    "several pictures": ({LAYER: MAPS.expand(2, -1, -1, -1).contiguous()}, "not those of one picture"),
    "another layer": ({"layer2": torch.zeros(1, 512, 8, 8), "x": MAPS}, "no features of layer3: it has"),
    "nothing": ({}, "holds no features"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_features_that_cannot_be_used_end_in_one_line(coarse_lab: Lab, tmp_path: Path, fault: str) -> None:
    tensors, message = REFUSED[fault]
    save_file(tensors, tmp_path / "mine.safetensors")
    with pytest.raises(FeaturesError, match=message) as refusal:
        coarse_lab.at(LAYER).encode(read_features(tmp_path / "mine.safetensors", layers=[LAYER], size=SIDE))
    assert str(refusal.value).startswith("mine.safetensors")
    assert "\n" not in str(refusal.value)


def test_features_of_other_weights_are_refused_by_the_names_of_both(coarse_lab: Lab, file: Path) -> None:
    of = {"weights": "IMAGENET1K_V2", "digest": "", "fingerprints": {LAYER: "0"}}
    about = {"version": 1, "size": [64, 64], **of}
    save_file(load_file(file), file, {KEY: json.dumps(about)})
    with pytest.raises(FeaturesError, match="was made by IMAGENET1K_V2, not by tiny: load those weights"):
        coarse_lab.at(LAYER).encode(read_features(file))


@pytest.mark.parametrize("size", ["[64]", "[9999999, 64]", "[true, null]", '"x"', "[1e999, 1]"])
def test_a_header_of_odd_sizes_is_refused(file: Path, size: str) -> None:
    about = f'{{"version": 1, "size": {size}, "weights": "w", "digest": "1", "fingerprints": {{}}}}'
    save_file(load_file(file), file, {KEY: about})
    with pytest.raises(FeaturesError, match="has a header that cannot be read"):
        read_features(file)


@pytest.mark.parametrize("name", ["mine.pt", "mine.npy", "mine.safetensors"])
def test_a_pickle_in_features_place_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    torch.save({LAYER: MAPS}, (path := tmp_path / name))
    assert main(["reconstruct", str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"{name} is no safetensors file; pickles are not read." in said
    assert said.count("\n") == 1
