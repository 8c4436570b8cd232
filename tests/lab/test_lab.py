"""The lab: features, inversions and reconstructions of one picture on shared models."""

import torch

from explorer.images import quantise
from tests.support.made import SIZE, make_picture, settings_of


def test_encoding_gives_the_named_nodes_alone(tiny_lab):
    assert set(tiny_lab.at("layer1+layer3").encode(make_picture())) == {"layer1", "layer3"}


def test_trunks_are_built_once(tiny_lab):
    assert tiny_lab.trunk("layer2") is tiny_lab.trunk("layer2")


def test_optimising_brings_the_features_and_the_picture_nearer(tiny_lab):
    picture = make_picture()
    at, settings = tiny_lab.at("layer1"), settings_of("layer1", evaluations=40)["layer1"]
    steps = list(at.invert(at.encode(picture), "optimiser", settings, size=(SIZE, SIZE)))
    target = at.encode(picture)["layer1"]

    def distance(images: torch.Tensor) -> torch.Tensor:
        return (at.trunk(images)["layer1"] - target).norm()

    assert distance(steps[-1].images) < 0.5 * distance(steps[0].images)
    assert (steps[-1].images - picture.images).norm() < (steps[0].images - picture.images).norm()


def test_a_run_and_a_reconstruction_come_to_the_same(tiny_lab):
    settings = settings_of("layer1")["layer1"]
    run = tiny_lab.at("layer1").run(make_picture(), "optimiser", settings)
    steps = list(run)
    made = tiny_lab.at("layer1").reconstruct(make_picture(), "optimiser", settings)
    assert torch.equal(made.images, steps[-1].images)
    assert [record.step for record in made.history] == [step.index for step in steps]
    assert made.evaluations == steps[-1].evaluations <= 12


def test_a_run_counts_the_time_before_its_first_step(tiny_lab):
    run = tiny_lab.at("layer1").run(make_picture(), "optimiser", settings_of("layer1")["layer1"])
    before = run.seconds
    assert before > 0
    first = run.advance()
    assert first is not None
    assert first.seconds > before
    assert run.history[0].seconds == run.seconds


def test_pictures_outside_eight_bits_are_scored_as_saved(tiny_lab):
    picture = make_picture()
    made = tiny_lab.at("layer1").reconstruct(picture, "optimiser", settings_of("layer1")["layer1"])
    assert tiny_lab.scorer.compare(made.images, picture.images) == tiny_lab.scorer.compare(
        quantise(made.images), quantise(picture.images)
    )
