"""A race as a job: what others ask of it while it runs, and before it has begun, holds."""

from collections.abc import Callable

from explorer.inversion.invert import Steps
from explorer.lab.race import Race
from explorer.ui.jobs.race import RaceJob
from tests.support.made import make_run, play

LAST = 49


def make_job(steps: Steps, seconds: float = 60) -> RaceJob:
    return RaceJob(lambda: Race({"layer1": make_run(steps)}, method="optimiser"), LAST + 1, seconds)


def ask_at(step: int, ask: Callable[[], None]) -> Steps:
    """Take steps, and ask something of the job while one of them is computed."""
    for index, made in enumerate(play(1, LAST + 1)):
        if index == step:
            ask()
        yield made


def last_step(job: RaceJob) -> int:
    *_, frame = job.advance(60)
    return frame.panels["layer1"].record.step


def test_a_stop_ends_the_job_after_the_step_at_hand_and_resume_goes_on() -> None:
    job = make_job(ask_at(3, lambda: job.stop()))
    assert last_step(job) == 3
    assert job.is_over
    assert job.can_resume
    job.resume(60)
    assert last_step(job) == LAST
    assert not job.can_resume


def test_a_pause_ends_the_slice_after_the_step_at_hand_and_not_the_job() -> None:
    job = make_job(ask_at(3, lambda: job.pause()))
    assert last_step(job) == 3
    assert not job.is_over
    assert last_step(job) == LAST
    assert job.is_over


def test_a_stop_before_the_first_slice_computes_nothing() -> None:
    job = make_job(play(1, LAST + 1))
    job.stop()
    assert list(job.advance(60)) == []
    assert job.is_over
    assert job.race is None


def test_a_stop_while_the_race_is_set_up_ends_it_after_one_step() -> None:
    def set_up() -> Race:
        job.stop()
        return Race({"layer1": make_run(play(1, LAST + 1))}, method="optimiser")

    job = RaceJob(set_up, LAST + 1, 60)
    assert last_step(job) == 0
    assert job.is_over


def test_a_job_whose_time_is_up_is_over_though_steps_are_left() -> None:
    job = make_job(play(1, 10**9), seconds=0.05)
    while not job.is_over:
        list(job.advance(0.02))
    assert job.can_resume
