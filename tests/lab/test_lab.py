import pickle
from collections.abc import Generator

import pytest
import torch

from explorer.features.backbone import Backbone
from explorer.features.layers import LAYERS
from explorer.features.trunk import build_trunk
from explorer.images import Picture, quantise
from explorer.inversion.invert import Diverged, Step, load_settings
from explorer.lab import lab as lab_module
from explorer.lab.lab import Lab, MethodUnavailableError
from explorer.lab.race import Race
from explorer.lab.run import Reconstruction
from explorer.metrics import functional as metrics

SIZE = 64


@pytest.fixture
def lab(tiny_network, tmp_path) -> Lab:
    categories = tuple(f"class {index}" for index in range(10))
    backbone = Backbone("tiny", tiny_network, "seed 0", None, categories)
    return Lab(backbone, checkpoints=tmp_path)


def make_picture(seed: int = 0) -> Picture:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return Picture(f"picture {seed}", torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear"))


def settings_of(*layers: str, steps: int = 12) -> dict:
    return {layer: load_settings(layer, overrides=[f"steps={steps}"]) for layer in layers}


def make_step(index: int, seconds: float, total: float = 1.0) -> Step:
    return Step(
        index, torch.full((1, 3, SIZE, SIZE), 0.5), {"feature": total, "total": total}, seconds, index + 1
    )


def play(cost: float, count: int) -> Generator[Step, None, None]:
    for index in range(count):
        yield make_step(index, cost * (index + 1))


def test_target_holds_the_named_nodes_alone(lab):
    target = lab.target(make_picture(), "layer1+layer3")
    assert set(target) == {"layer1", "layer3"}


def test_trunks_are_built_once(lab):
    assert lab.trunk("layer2") is lab.trunk("layer2")


def test_an_unknown_method_is_explained(lab):
    assert "Unknown method" in lab.unavailable("layer1", "magic")


def test_a_missing_decoder_is_explained_and_refused(lab):
    assert "not available for these weights yet" in lab.unavailable("layer1", "decoder")
    with pytest.raises(MethodUnavailableError, match="not available for these weights yet"):
        lab.decode(make_picture(), "layer1")


@pytest.mark.parametrize("node", ["fc", "avgpool"])
def test_a_node_without_a_fine_enough_map_is_refused_by_linear(lab, node: str, monkeypatch):
    batches = [torch.rand(2, 3, SIZE, SIZE)]
    monkeypatch.setattr("explorer.decoders.linear.example_batches", lambda: batches)
    with pytest.raises(MethodUnavailableError, match=f"{node} .*needs a feature map"):
        lab.decode(make_picture(), node, "linear")


def test_a_set_of_layers_has_no_decoder(lab):
    assert "one layer at a time" in lab.unavailable("layer1+layer2", "linear")


def test_optimising_brings_the_features_nearer(lab):
    picture = make_picture()
    steps = list(lab.steps(picture, "layer1", "optimiser", settings_of("layer1", steps=40)["layer1"]))
    assert steps[-1].losses["feature"] < 0.5 * steps[0].losses["feature"]


def test_run_returns_the_last_step_and_its_history(lab):
    run = lab.run(make_picture(), "layer1", "optimiser", settings_of("layer1")["layer1"])
    steps = []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as end:
            reconstruction = end.value
            break
    assert torch.equal(reconstruction.images, steps[-1].images)
    assert [entry.index for entry in reconstruction.history] == [step.index for step in steps]
    assert reconstruction.steps == steps[-1].evaluations <= 12


def test_a_perfect_reconstruction_scores_perfectly(lab):
    picture = Picture("eight bits", quantise(make_picture().images))
    score = lab.score(picture, Reconstruction("layer2", "optimiser", picture.images, 1, 0.0))
    assert score["psnr_db"] == float("inf")
    assert score["feature_error"] == pytest.approx(0, abs=1e-9)
    assert score["feature_cosine"] == pytest.approx(1, abs=1e-5)
    assert score["top5_agreement"] == 1


def test_scores_are_those_of_the_metrics_on_eight_bit_pixels(lab, tiny_network):
    original, noise = make_picture().images, 0.2 * torch.rand(2, 1, 3, SIZE, SIZE)
    made = [("layer2", original + noise[0]), ("layer1+layer3", original + noise[1])]
    made += [("layer3.0.conv2", made[0][1])]
    for (layer, images), scores in zip(made, lab.scorer.score_all(made, original), strict=True):
        pair = quantise(images), quantise(original)
        features = [build_trunk(tiny_network, layer)(one) for one in pair]
        logits = [build_trunk(tiny_network, "fc")(one)["fc"] for one in pair]
        nodes = list(zip(*(one.values() for one in features), strict=True))
        errors = [metrics.feature_error(*node) for node in nodes]
        cosines = [metrics.feature_cosine(*node) for node in nodes]
        assert scores["psnr_db"] == pytest.approx(metrics.psnr(*pair).item(), abs=1e-4)
        assert scores["ssim"] == pytest.approx(metrics.ssim(*pair).item(), abs=1e-5)
        assert scores["top5_agreement"] == metrics.top5_agreement(*logits).item()
        assert scores["feature_error"] == pytest.approx(torch.stack(errors).mean().item(), rel=1e-3)
        assert scores["feature_cosine"] == pytest.approx(torch.stack(cosines).mean().item(), rel=1e-3)
        assert (scores["lpips"] is None) == ("lpips" in scores.reasons)


def test_predictions_are_named_best_first(lab):
    predictions = lab.scorer.predictions(make_picture().images)
    probabilities = [prediction.probability for prediction in predictions]
    assert len(predictions) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert predictions[0].label.startswith("class ")


def test_hybrid_says_when_the_linear_decoder_stands_in(lab, monkeypatch):
    monkeypatch.setattr(lab_module.Models, "linear", lambda *_: _Grey())
    settings = load_settings("layer1", overrides=["steps=4"], is_warm=True)
    run = lab.run(make_picture(), "layer1", "hybrid", settings)
    with pytest.raises(StopIteration) as end:
        while True:
            next(run)
    assert "linear decoder" in end.value.value.notice


class _Grey(torch.nn.Module):
    def forward(self, features):
        return torch.full((1, 3, SIZE, SIZE), 0.5)


def test_frames_are_plain_picklable_data(lab):
    race = lab.race(make_picture(), settings_of(*LAYERS))
    frames = list(race.frames())
    assert pickle.loads(pickle.dumps(frames)) == frames
    assert set(frames[-1].panels) == set(LAYERS)


def test_the_first_frame_shows_every_layer_and_the_last_says_finished(lab):
    frames = list(lab.race(make_picture(), settings_of(*LAYERS)).frames())
    assert all(panel.jpeg for panel in frames[0].panels.values())
    assert {panel.state for panel in frames[-1].panels.values()} == {"finished"}


def test_a_race_is_fair_in_time():
    original = make_picture().images
    race = Race({"fast": play(1, 10**9), "slow": play(4, 10**9)}, original, method="optimiser")
    last = list(race.frames(0.2))[-1]
    fast, slow = (panel.seconds for panel in last.panels.values())
    assert abs(fast - slow) <= 4


def test_stop_keeps_the_last_frame_and_resume_goes_on():
    original = make_picture().images
    race = Race({"layer1": play(1, 50)}, original, method="optimiser")
    frames = race.frames()
    next(frames)
    race.stop()
    last = list(frames)[-1]
    assert last.panels["layer1"].state == "stopped"
    assert race.can_resume()
    stopped_at = last.panels["layer1"].step
    finished = list(race.frames())[-1]
    assert finished.panels["layer1"].step == 49 > stopped_at
    assert not race.can_resume()


def test_a_stop_before_the_first_frame_is_kept_and_resume_goes_on():
    race = Race({"layer1": play(1, 50)}, make_picture().images, method="optimiser")
    race.stop()
    last = list(race.frames())[-1]
    assert (last.panels["layer1"].step, last.panels["layer1"].state) == (0, "stopped")
    race.stop()
    assert list(race.frames())[-1].panels["layer1"].step == 49


def test_a_closed_frame_stream_leaves_the_race_stopped_and_resumable():
    race = Race({"layer1": play(1, 50)}, make_picture().images, method="optimiser")
    frames = race.frames()
    next(frames)
    frames.close()
    assert race.can_resume()
    assert list(race.frames())[-1].panels["layer1"].step == 49


def test_a_time_budget_ends_the_frames():
    endless = Race({"layer1": play(1, 10**9)}, make_picture().images, method="optimiser")
    assert list(endless.frames(0.05))[-1].panels["layer1"].state == "stopped"


def test_a_diverged_layer_shows_its_best_frame_and_the_others_go_on():
    def diverge() -> Generator[Step, None, None]:
        yield make_step(0, 1.0)
        yield make_step(1, 2.0)
        raise Diverged(7, make_step(0, 1.0))

    race = Race({"bad": diverge(), "good": play(1, 5)}, make_picture().images, method="optimiser")
    last = list(race.frames())[-1]
    assert last.panels["bad"].state == "diverged"
    assert last.panels["bad"].notice == "Optimisation became unstable at step 7; showing the best frame."
    assert last.panels["bad"].step == 0
    assert last.panels["good"].step == 4
    (bad, _) = race.reconstructions()
    assert [record.index for record in bad.history] == [0, 1]


def test_two_races_in_turns_do_not_mix(lab):
    def results(race: Race) -> list[torch.Tensor]:
        return [result.images for result in race.reconstructions()]

    alone = [lab.race(make_picture(seed), settings_of("layer1", "layer2")) for seed in (1, 2)]
    for race in alone:
        list(race.frames())
    together = [lab.race(make_picture(seed), settings_of("layer1", "layer2")) for seed in (1, 2)]
    streams = [race.frames(None) for race in together]
    while streams:
        streams = [stream for stream in streams if next(stream, None) is not None]
    for expected, got in zip(alone, together, strict=True):
        for a, b in zip(results(expected), results(got), strict=True):
            assert torch.allclose(a, b, atol=1e-5)
