"""What a run says of itself when it is over."""

import pytest

from explorer.examples import load_example
from explorer.lab.lab import Lab
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.options import RunOptions

pytestmark = pytest.mark.usefixtures("fast_judge")


@pytest.mark.parametrize(("steps", "said"), [(3, "Done after "), (1000, "Stopped after ")])
def test_a_run_says_whether_it_was_done_or_stopped(coarse_lab: Lab, steps: int, said: str) -> None:
    run = LiveRun(coarse_lab, load_example("cat", size=64), RunOptions(steps=steps, layers=("layer1",)))
    values = []
    while not run.is_over:
        for progress in run.advance(60):
            values.append(run.show(progress))
            if steps == 1000:
                run.stop()
    assert values[-1].status.startswith(said)
    assert run.can_resume == (steps == 1000)
