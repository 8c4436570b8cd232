"""What the stage is sent: finite numbers alone, and a run that only waits for its turn as running."""

import json

import numpy as np
import torch

from explorer.lab.race import Frame, Panel
from explorer.lab.run import Record
from explorer.metrics.scores import Scores
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.stage import StagePanel, StageValue, read_frame

GREY = np.full((64, 64, 3), 128, np.uint8)
THUMBNAILS = Thumbnails(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))


def show(state: str, *, is_running: bool, notice: str | None = None) -> StagePanel:
    panel = Panel(Record(7, 9, 1.5, {"feature": 0.25}, 20.0), GREY, state, notice, b"jpeg")  # pyright: ignore[reportArgumentType]
    frame = Frame(1.5, {"layer1": panel}, "running" if is_running else "done")
    measured = {"layer1": Scores({"ssim": 0.5})}
    return read_frame(frame, {"layer1": "256 × 56 × 56"}, measured, THUMBNAILS)["layer1"]


def test_a_frame_becomes_panels_with_what_has_been_measured() -> None:
    panel = show("running", is_running=True)
    assert (panel.step, panel.evaluations, panel.psnr_db, panel.feature) == (7, 9, 20.0, 0.25)
    assert (panel.ssim, panel.lpips, panel.shape) == (0.5, None, "256 × 56 × 56")
    assert panel.src.startswith("data:image/jpeg;base64,")
    assert panel.thumbnail is not None


def test_a_layer_that_waits_for_its_turn_is_shown_as_running() -> None:
    assert (show("stopped", is_running=True).state, show("stopped", is_running=True).note) == ("running", "")
    stopped = show("stopped", is_running=False)
    assert (stopped.state, stopped.note) == ("stopped", "stopped at step 7")


def test_a_notice_comes_before_where_the_run_stopped() -> None:
    assert show("stopped", is_running=False, notice="It diverged.").note == "It diverged."


def test_no_number_is_sent_that_is_none() -> None:
    panel = StagePanel("", "", float("inf"), float("nan"))
    sent = json.loads(StageValue("run", None, {"layer1": panel}).text(frames=[{"psnr_db": -np.inf}]))
    assert sent["panels"]["layer1"]["psnr_db"] is None
    assert sent["panels"]["layer1"]["feature"] is None
    assert sent["frames"] == [{"psnr_db": None}]


def test_final_scores_replace_the_numbers_of_the_run_and_say_what_is_missing() -> None:
    value = StageValue("run", None, {"layer1": StagePanel("", "", 20.0, 0.25)}, status="Done.", is_over=False)
    scores = Scores({"psnr_db": 20.0, "ssim": 0.5, "lpips": None}, {"lpips": "no weights"})
    scored = value.scored({"layer1": scores}, {"layer1": (9, 1.5)}, is_trained=True)
    assert (scored.panels["layer1"].ssim, scored.panels["layer1"].lpips) == (0.5, None)
    assert scored.status.startswith("Done.")
    assert "no weights" in scored.status
    assert scored.table is not None
    assert scored.table.rows[0].layer == "layer1"
    assert scored.is_over
