from itertools import pairwise

import numpy as np
import pytest

from explorer.images import Pixels
from explorer.lab.race import Frame, Panel
from explorer.lab.run import Record
from explorer.ui.session.history import MAX_FRAMES, History

GREY = np.full((32, 32, 3), 128, np.uint8)


def frame(number: int, pixels: Pixels = GREY) -> Frame:
    panel = Panel(Record(number, number, float(number), {"feature": 1.0}, 10.0), pixels, "running", None)
    return Frame(float(number), {"layer1": panel})


@pytest.mark.parametrize("count", [1, MAX_FRAMES, MAX_FRAMES + 1, 1000])
def test_a_history_stays_small_and_keeps_the_first_and_the_last_frame(count: int) -> None:
    history = History()
    for number in range(count):
        history.add(frame(number))
    numbers = [kept.panels["layer1"].record.step for kept in history.frames]
    assert numbers[0] == 0
    assert numbers[-1] == count - 1
    assert len(numbers) <= MAX_FRAMES + 1
    assert numbers == sorted(set(numbers))


def test_kept_frames_lie_evenly() -> None:
    history = History()
    for number in range(1000):
        history.add(frame(number))
    numbers = [kept.panels["layer1"].record.step for kept in history.frames[:-1]]
    assert len({after - before for before, after in pairwise(numbers)}) == 1


def test_a_picture_that_stays_the_same_is_encoded_once() -> None:
    history = History()
    first, second = (history.add(frame(number)).panels["layer1"].jpeg for number in (0, 1))
    assert first is second
    assert history.add(frame(2, GREY.copy())).panels["layer1"].jpeg is not first


def test_frames_come_back_with_their_pictures() -> None:
    history = History()
    history.add(frame(0))
    (kept,) = history.frames
    assert np.abs(kept.panels["layer1"].pixels.astype(int) - 128).max() <= 1
    assert history.nbytes < GREY.nbytes
