"""A race: fair, stopped and resumed at any moment, shown as plain data."""

import pickle
from threading import Event

import torch

from explorer.features.layers import LAYERS
from explorer.lab.race import Race
from tests.support.made import diverge, make_picture, make_run, play, settings_of


def make_race(**steps) -> Race:
    runs = {layer: make_run(generator, layer) for layer, generator in steps.items()}
    return Race(runs, method="optimiser")


def test_frames_are_plain_picklable_data(tiny_lab):
    race = tiny_lab.race(make_picture(), settings_of(*LAYERS))
    frames = list(race.frames())
    assert pickle.loads(pickle.dumps(frames)) == frames
    assert set(frames[-1].panels) == set(LAYERS)


def test_the_first_frame_shows_every_layer_and_the_last_says_finished(tiny_lab):
    frames = list(tiny_lab.race(make_picture(), settings_of(*LAYERS)).frames())
    assert [panel.pixels.shape for panel in frames[0].panels.values()] == [(64, 64, 3)] * 4
    assert {panel.state for panel in frames[-1].panels.values()} == {"finished"}


def test_a_picture_that_has_not_changed_is_the_same_object(tiny_lab):
    race = tiny_lab.race(make_picture(), settings_of("layer1", "layer2"))
    before, after = next(race.frames()), next(race.frames(0))
    for layer in before.panels:
        is_same_step = before.panels[layer].record.step == after.panels[layer].record.step
        assert (before.panels[layer].pixels is after.panels[layer].pixels) == is_same_step


def test_a_race_is_fair_in_time():
    race = make_race(fast=play(1, 10**9), slow=play(4, 10**9))
    panels = {}
    while len(panels) < 2:  # A busy machine may take all of the time for one step.
        panels = list(race.frames(0.2))[-1].panels
    assert abs(panels["fast"].record.seconds - panels["slow"].record.seconds) <= 4


def test_stop_keeps_the_last_frame_and_resume_goes_on():
    race, stop = make_race(layer1=play(1, 50)), Event()
    frames = race.frames(is_over=stop.is_set)
    next(frames)
    stop.set()
    last = list(frames)[-1]
    assert last.panels["layer1"].state == "stopped"
    assert race.can_resume()
    stopped_at = last.panels["layer1"].record.step
    finished = list(race.frames())[-1]
    assert finished.panels["layer1"].record.step == 49 > stopped_at
    assert not race.can_resume()


def test_a_race_that_is_over_before_its_first_step_takes_one_and_resume_goes_on():
    race = make_race(layer1=play(1, 50))
    last = list(race.frames(is_over=lambda: True))[-1]
    assert (last.panels["layer1"].record.step, last.panels["layer1"].state) == (0, "stopped")
    assert list(race.frames())[-1].panels["layer1"].record.step == 49


def test_a_closed_frame_stream_leaves_the_race_stopped_and_resumable():
    race = make_race(layer1=play(1, 50))
    frames = race.frames()
    next(frames)
    frames.close()
    assert race.can_resume()
    assert list(race.frames())[-1].panels["layer1"].record.step == 49


def test_a_time_budget_ends_the_frames():
    endless = make_race(layer1=play(1, 10**9))
    assert list(endless.frames(0.05))[-1].panels["layer1"].state == "stopped"


def test_a_diverged_layer_shows_its_best_frame_and_the_others_go_on():
    race = make_race(bad=diverge(), good=play(1, 5))
    last = list(race.frames())[-1]
    assert last.panels["bad"].state == "diverged"
    assert last.panels["bad"].notice == "Optimisation became unstable at step 7; showing the best frame."
    assert last.panels["bad"].record.step == 0
    assert last.panels["good"].record.step == 4
    (bad, _) = race.reconstructions()
    assert [record.step for record in bad.history] == [0, 1]


def test_two_races_in_slices_do_not_mix(tiny_lab):
    def results(race: Race) -> list[torch.Tensor]:
        return [result.images for result in race.reconstructions()]

    alone = [tiny_lab.race(make_picture(seed), settings_of("layer1", "layer2")) for seed in (1, 2)]
    for race in alone:
        list(race.frames())
    together = [tiny_lab.race(make_picture(seed), settings_of("layer1", "layer2")) for seed in (1, 2)]
    while any(race.can_resume() for race in together):
        for race in together:
            list(race.frames(0.01))
    for expected, got in zip(alone, together, strict=True):
        for a, b in zip(results(expected), results(got), strict=True):
            assert torch.equal(a, b)
