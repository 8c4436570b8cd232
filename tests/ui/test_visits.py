"""Visits are bounded by memory: idle ones make room, those with a run under way never do."""

from pathlib import Path

import pytest
import torch

from explorer.experiments.experiment import Animation, Result
from explorer.experiments.measuring import encode
from explorer.features.layers import LAYERS
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.run import Reconstruction
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.limits.uploads import UPLOADS
from explorer.ui.session.exploring import Explored, Question
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.made import Made
from explorer.ui.session.options import RunOptions
from explorer.ui.session.visit import Decoded, Exploration
from explorer.ui.session.visits import Visits
from explorer.ui.stage import StageValue

PICTURE = Picture("grey", torch.full((1, 3, 64, 64), 0.5))
OPTIONS = RunOptions(steps=10, layers=("layer1",))
BYTES = PICTURE.images.nbytes
STAGE = StageValue("a run", None)


def fill(visits: Visits, session: str) -> Exploration:
    exploration = Exploration(Picture("grey", PICTURE.images.clone()))
    visits.get(session).put(exploration)
    visits.make_room()
    return exploration


def begin(lab: Lab, exploration: Exploration) -> LiveRun:
    run = LiveRun(lab, PICTURE, OPTIONS)
    exploration.begin(run)
    return run


def finish(run: LiveRun) -> None:
    while not run.is_over:
        for _ in run.advance(60):
            pass


def test_hundreds_of_idle_visits_fit() -> None:
    visits = Visits()
    picture = Picture("photo", torch.zeros(1, 3, 224, 224))
    for number in range(200):
        decoded = {
            layer: Reconstruction(layer, "decoder", torch.zeros(1, 3, 224, 224), 0, 0.1)
            for layer in ("layer1", "layer2", "layer3", "layer4")
        }
        visits.get(str(number)).put(Exploration(picture, decoded=Decoded(Made(picture, decoded), STAGE)))
    visits.make_room()
    assert len(visits) == 200


def test_who_has_been_idle_longest_makes_room() -> None:
    visits = Visits(max_bytes=3 * BYTES)
    for session in "abc":
        fill(visits, session)
    visits.get("a")
    fill(visits, "d")
    assert visits.get("a").exploration is not None
    assert visits.get("b").exploration is None


def test_what_visits_share_counts_once() -> None:
    """Whoever opens the page is shown the same decoded example, 3 MB of pictures."""
    visits = Visits(max_bytes=8 * BYTES)
    own = fill(visits, "own")
    shared = {layer: Reconstruction(layer, "decoder", torch.zeros(1, 3, 64, 64), 0, 0.1) for layer in LAYERS}
    for number in range(560):
        visits.get(str(number)).put(Exploration(PICTURE, decoded=Decoded(Made(PICTURE, shared), STAGE)))
    visits.make_room()
    assert visits.get("own").exploration is own
    own_pictures = Exploration(Picture("white", torch.ones(1, 3, 64, 64)))
    visits.get("another").put(own_pictures)
    visits.make_room()
    visits.get("last").put(Exploration(Picture("black", torch.zeros(1, 3, 64, 64))))
    visits.make_room()
    assert visits.get("another").exploration is own_pictures


def test_experiments_count_with_their_animations_features_and_second_picture() -> None:
    visit = Visits().get("a")
    picture, second = (Picture("one", torch.rand(1, 3, 64, 64)) for _ in range(2))
    frames = [torch.rand(1, 3, 64, 64) for _ in range(5)]
    exploration = Exploration(picture)
    visit.put(exploration)
    visit.second = second
    question = Question("blend", [picture, second], [None, None], [], {})
    exploration.explored = Explored(question, Result((), animations=[Animation("layer1", frames)]))
    assert sum(visit.held.values()) == 7 * BYTES


def test_features_of_a_picture_count(coarse_lab: Lab) -> None:
    picture = Picture("one", torch.rand(1, 3, 64, 64))
    maps = encode(coarse_lab, picture, "layer1")
    assert sum(Exploration(picture).held.values()) == BYTES + maps.nbytes


def test_an_experiment_under_way_keeps_its_visit_until_it_is_told_to_stop() -> None:
    visits = Visits(max_bytes=BYTES)
    exploration = fill(visits, "a")
    job = ExperimentJob(lambda: (result for result in [Result(())]), 100)
    visits.get("a").begin_experiment(job)
    fill(visits, "b")
    assert visits.get("a").exploration is exploration
    job.stop()
    fill(visits, "b")
    assert visits.get("a").exploration is None


def test_a_visit_with_a_run_under_way_or_waiting_stays(coarse_lab: Lab) -> None:
    visits = Visits(max_bytes=BYTES)
    run = begin(coarse_lab, fill(visits, "busy"))
    for number in range(5):
        fill(visits, str(number))
    assert visits.get("busy").exploration is not None
    assert not run.is_stopping


def test_a_finished_race_goes_before_any_picture_does(coarse_lab: Lab) -> None:
    visits = Visits(max_bytes=20 * BYTES)
    exploration = fill(visits, "a")
    run = begin(coarse_lab, exploration)
    finish(run)
    assert run.race_nbytes > 20 * BYTES
    fill(visits, "b")
    assert visits.get("a").exploration is exploration
    assert run.race_nbytes == 0
    assert not run.can_resume
    assert set(run.made.results) == {"layer1"}


def test_who_leaves_stops_the_own_run(coarse_lab: Lab) -> None:
    visits = Visits()
    run = begin(coarse_lab, fill(visits, "a"))
    visits.leave("a")
    assert run.is_stopping
    assert len(visits) == 0


def test_another_picture_stops_the_run_of_the_one_before(coarse_lab: Lab) -> None:
    visits = Visits()
    run = begin(coarse_lab, fill(visits, "a"))
    fill(visits, "a")
    assert run.is_stopping


def lay_down(visits: Visits, session: str, upload: Path) -> None:
    UPLOADS.add(upload, "here")
    visits.get(session).uploads[upload] += 1


def test_an_upload_goes_with_the_last_visitor_who_shows_it(tmp_path: Path) -> None:
    upload = tmp_path / "hash" / "photo.png"
    upload.parent.mkdir()
    upload.touch()
    visits = Visits()
    for session in "ab":
        lay_down(visits, session, upload)
    visits.leave("a", "here")
    assert upload.exists()
    visits.leave("b", "here")
    assert not upload.parent.exists()


def test_who_has_not_uploaded_a_file_does_not_delete_it(tmp_path: Path) -> None:
    """By its path, or by content that is the same, another one's upload can be laid down, and left."""
    upload = tmp_path / "hash" / "photo.png"
    upload.parent.mkdir()
    upload.touch()
    visits = Visits()
    UPLOADS.add(upload, "here")  # As a second picture, which no visit notes.
    visits.get("stranger").uploads[upload] += 9
    visits.leave("stranger", "elsewhere")
    lay_down(visits, "neighbour", upload)
    visits.leave("neighbour", "here")
    assert upload.exists()
    assert UPLOADS.release(upload, "here")


def test_who_makes_room_keeps_the_uploaded_file(tmp_path: Path) -> None:
    upload = tmp_path / "hash" / "photo.png"
    upload.parent.mkdir()
    upload.touch()
    visits = Visits(max_bytes=BYTES)
    fill(visits, "a")
    lay_down(visits, "a", upload)
    fill(visits, "b")
    assert visits.get("a").exploration is None
    assert upload.exists()
    visits.leave("a", "here")
    assert not upload.exists()


def test_callers_that_never_leave_are_forgotten_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.ui.session.visits.MAX_VISITS", 5)
    visits = Visits()
    for number in range(20):
        visits.get(str(number))
    assert len(visits) == 5


@pytest.mark.parametrize("session", [None, "a"])
def test_leaving_twice_is_no_fault(session: str | None) -> None:
    visits = Visits()
    visits.leave(session)
    visits.leave(session)
