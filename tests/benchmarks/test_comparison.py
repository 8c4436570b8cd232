"""The proof: reference loops as users write them, curves that survive the file, ratios that are true."""

import json
from itertools import islice, pairwise
from pathlib import Path

import pytest
import torch
from torchvision.models import ResNet

from explorer.__main__ import main
from explorer.benchmarks.baselines import adam, follow_loop, hooked_features, mahendran_vedaldi
from explorer.benchmarks.curve import Curve, Point, append_curves, read_curves
from explorer.benchmarks.figure import lines
from explorer.benchmarks.summary import ends, speed_ups
from explorer.examples import load_example
from explorer.features.backbone import Backbone
from explorer.features.trunk import build_trunk
from explorer.images import Images
from explorer.lab.lab import Lab
from explorer.lab.models import Models

SIDE = 64


@pytest.fixture
def picture() -> Images:
    return load_example("cat", size=SIDE).images


def curve(method: str, *points: tuple[int, float, float], failure: str | None = None) -> Curve:
    """Make a curve of (evaluations, seconds, PSNR)."""
    made = tuple(Point(*point, feature_error=0.1, ssim=0.5) for point in points)
    return Curve("cat", "layer1", method, "float32", made, failure)


def test_the_reference_loop_lowers_its_loss_and_starts_from_faint_noise(
    tiny_network: ResNet, picture: Images
):
    steps = list(islice(follow_loop(adam(0.1), tiny_network, "layer1", picture), 30))
    assert steps[-1].losses["feature"] < 0.7 * steps[0].losses["feature"]
    assert [step.evaluations for step in steps[:3]] == [1, 2, 3]
    assert steps[0].images.std() < 0.1
    assert not any(module._forward_hooks for module in tiny_network.modules())


def test_hooked_features_are_those_of_the_trunk(tiny_network: ResNet, picture: Images):
    trunk = build_trunk(tiny_network, "layer2")
    hooked = hooked_features(tiny_network, "layer2", (picture - trunk.mean) / trunk.std)
    torch.testing.assert_close(hooked, trunk(picture)["layer2"], rtol=1e-3, atol=1e-4)


def test_mahendran_vedaldi_decays_its_steps(tiny_network: ResNet, picture: Images):
    steps = list(islice(follow_loop(mahendran_vedaldi(), tiny_network, "layer1", picture), 45))
    moves = [(a.images - b.images).abs().mean().item() for a, b in pairwise(steps)]
    assert moves[-1] < 0.5 * moves[1]


def test_curves_survive_the_file(tmp_path: Path):
    curves = [curve("cold", (1, 0.1, 10.0)), curve("adam", failure="unstable")]
    append_curves(tmp_path, curves[:1])
    append_curves(tmp_path, curves[1:])
    assert read_curves(tmp_path) == curves


def test_a_speed_up_is_the_ratio_of_times_to_the_psnr_that_the_reference_ends_with():
    reference = curve("adam", (1, 1.0, 10.0), (200, 40.0, 18.0))
    ours = curve("cold", (1, 0.5, 12.0), (4, 2.0, 18.5), (9, 4.0, 25.0))
    (row,) = speed_ups([reference, ours])
    assert (row.ratio, row.reached, row.seconds, row.reference_seconds) == (20.0, 1, 2.0, 40.0)
    (never,) = speed_ups([reference, curve("cold", (1, 0.5, 12.0))])
    assert (never.ratio, never.reached, never.seconds) == (0.0, 0, None)


def test_a_failed_method_has_a_reason_and_no_figures():
    (row,) = ends([curve("mahendran-vedaldi", (1, 1.0, 10.0), failure="unstable at step 1")])
    assert row.psnr_db is None and row.failure == "1 of 1: unstable at step 1"


def test_lines_average_pictures_at_equal_evaluations():
    line = lines(
        [curve("cold", (1, 1.0, 10.0), (3, 3.0, 20.0)), curve("cold", (1, 3.0, 12.0), (3, 5.0, 22.0))]
    )[0]
    assert line.seconds == (2.0, 4.0) and line.values == (11.0, 21.0)


def test_the_benchmark_races_the_references_and_resumes(
    tiny_network: ResNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no_weights"))
    monkeypatch.setattr("explorer.benchmarks.comparison.REFERENCE_EVALUATIONS", 12)
    lab = Lab(Models(Backbone("tiny", tiny_network, "test", "abcd1234", tuple("abcdefghij"))))
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *arguments: lab)
    out = tmp_path / "proof"
    words = ["benchmark", "--reference", out, "--layers", "layer1", "--images", "cat", "--steps", 10]
    words += ["--methods", "cold,adam,mahendran-vedaldi", "--size", SIDE, "--json"]
    assert main([str(word) for word in words]) == 0
    tables = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in tables["ends"]} == {"cold", "adam", "mahendran-vedaldi"}
    assert tables["speed_ups"][0]["pictures"] == 1
    assert {path.name for path in out.iterdir()} == {"curves.jsonl", "proof.html", "proof.png"}
    monkeypatch.setattr(
        "explorer.benchmarks.comparison._start", None
    )  # A second run that measured would fail.
    assert main([str(word) for word in words]) == 0
    assert json.loads(capsys.readouterr().out)["ends"] == tables["ends"]


def test_an_unknown_method_of_the_proof_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["benchmark", "--reference", str(tmp_path), "--methods", "magic"]) == 2
    assert "Unknown method 'magic'" in capsys.readouterr().err
