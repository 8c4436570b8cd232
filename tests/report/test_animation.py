"""The GIF of a race: short, for ever, and at rest on its last frame."""

from io import BytesIO
from itertools import pairwise

import PIL.Image
import PIL.ImageSequence
import pytest

from explorer.examples import load_example
from explorer.images import Picture, to_pixels
from explorer.lab.race import Frame, Panel
from explorer.lab.run import Record
from explorer.report.animation import MAX_FRAMES, race_gif, thin


@pytest.fixture
def picture() -> Picture:
    return load_example("cat", size=64)


def test_a_race_becomes_a_gif_that_ends_on_its_last_frame(picture: Picture):
    pixels = to_pixels(picture.images)

    def frame(step: int) -> Frame:
        panel = Panel(Record(step, step, 0.0, {"feature": 1.0}, 10.0 + step), pixels, "running", None)
        return Frame(seconds=step / 5, panels={"layer1": panel})

    with PIL.Image.open(BytesIO(race_gif(picture.images, map(frame, range(MAX_FRAMES * 2))))) as gif:
        durations = [frame.info["duration"] for frame in PIL.ImageSequence.Iterator(gif)]
        assert gif.format == "GIF"
        assert gif.info["loop"] == 0
    assert 1 < len(durations) <= MAX_FRAMES
    assert durations[-1] == 2000


def test_a_gif_without_frames_is_refused(picture: Picture):
    with pytest.raises(ValueError, match="at least one frame"):
        race_gif(picture.images, [])


@pytest.mark.parametrize(("length", "count"), [(1, 60), (60, 60), (61, 60), (121, 60), (5, 3), (9, 1)])
def test_frames_are_thinned_evenly_and_end_with_the_last(length: int, count: int) -> None:
    kept = thin(range(length), count)
    assert len(kept) <= count
    assert kept[-1] == length - 1
    assert len({later - earlier for earlier, later in pairwise(kept)}) <= 1
    assert kept == list(range(length)) or len(kept) > count / 2
