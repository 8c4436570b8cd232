"""Experiments go in small steps, between which they can be paused and stopped."""

from itertools import islice
from typing import Any

import pytest

from explorer.experiments import follow_experiment
from explorer.ui.jobs.experiment import ExperimentJob

STEPPED: dict[str, dict[str, Any]] = {
    "invariances": {"evaluations": 1000, "seeds": 1},
    "matrix": {"method": "optimiser"},
    "surgery": {"method": "hybrid", "edit": "region"},
    "blend": {"frames": 60},
}


@pytest.mark.parametrize("name", STEPPED)
def test_a_long_step_yields_in_between(coarse_lab, pictures, name: str) -> None:
    given = pictures[: 2 if name == "blend" else 1]
    results = follow_experiment(name, coarse_lab, given, ["layer1"], **STEPPED[name])
    early = list(islice(results, 5))
    results.close()
    assert len(early) == 5
    assert all(result.progress < 1 for result in early)


def test_an_experiment_that_is_stopped_ends_within_its_search(coarse_lab, pictures) -> None:
    job = ExperimentJob(
        lambda: follow_experiment(
            "invariances", coarse_lab, pictures[:1], ["layer1"], **STEPPED["invariances"]
        ),
        1000.0,
    )
    next(iter(job.advance(0.0)))
    job.stop()
    (last,) = job.advance(1000.0)
    assert job.is_over
    assert last.progress < 0.1
