"""A run: what it has reached at every moment, and how several take turns."""

from itertools import islice

import pytest

from explorer.lab.turns import take_turns
from tests.support.made import diverge, make_run, play


def test_a_run_stands_at_its_last_step_and_remembers_all():
    run = make_run(play(2.0, 3))
    assert run.seconds == 0
    assert not run.has_begun
    steps = list(run)
    assert [step.index for step in steps] == [record.step for record in run.history] == [0, 1, 2]
    assert run.latest is steps[-1]
    assert run.seconds == 6.0
    assert run.state == "finished"
    assert run.advance() is None


def test_a_run_before_its_first_step_has_no_picture():
    with pytest.raises(ValueError, match="first step"):
        make_run(play(1.0, 1)).reconstruction()


def test_a_diverged_run_ends_with_its_best_step_and_a_notice():
    run = make_run(diverge())
    assert [step.index for step in run] == [0, 1, 0]
    made = run.reconstruction()
    assert run.state == "diverged"
    assert run.advance() is None
    assert made.notice == "Optimisation became unstable at step 7; showing the best frame."
    assert [record.step for record in made.history] == [0, 1]
    assert made.evaluations == 1


def test_the_run_with_the_least_own_seconds_goes_next():
    fast, slow = make_run(play(1.0, 100), "fast"), make_run(play(4.0, 100), "slow")
    for _ in islice(take_turns([fast, slow]), 2, 50):
        assert abs(fast.seconds - slow.seconds) <= 4


def test_taking_turns_leaves_out_stopped_runs_and_ends_with_the_last():
    runs = [make_run(play(1.0, 3)), make_run(play(1.0, 5)), make_run(diverge())]
    runs[0].stop()
    assert len(list(take_turns(runs))) == 6 + 3
    assert [run.state for run in runs] == ["stopped", "finished", "diverged"]
    runs[0].resume()
    list(take_turns(runs))
    assert runs[0].state == "finished"
