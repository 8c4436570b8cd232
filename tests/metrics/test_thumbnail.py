"""The equivalent thumbnail against Pillow's own resizing, and against every smaller side."""

import math

import pytest
import torch
from PIL.Image import Resampling

from explorer.examples import EXAMPLES, load_example
from explorer.images import prepare, to_pil
from explorer.metrics.functional import psnr
from explorer.metrics.thumbnail import TOLERANCE_DB, Thumbnails, thumbnail_side


def pillow_thumbnail(original: torch.Tensor, side: int) -> torch.Tensor:
    image = to_pil(original)
    restored = image.resize((side, side), Resampling.BICUBIC).resize(image.size, Resampling.BICUBIC)
    return prepare(restored, image.width)


@pytest.mark.parametrize("side", [1, 2, 4, 7, 14, 28, 56])
def test_the_thumbnail_of_a_thumbnail_is_its_own_side(side: int) -> None:
    original = load_example("cat").images
    assert thumbnail_side(pillow_thumbnail(original, side), original).tolist() == [side]


@pytest.mark.parametrize("side", [1, 4, 14, 56, 112, 223])
def test_a_thumbnail_has_the_psnr_that_pillow_gives_it(side: int) -> None:
    original = load_example("astronaut").images
    expected = psnr(pillow_thumbnail(original, side), original).item()
    assert Thumbnails(original).psnr_db(side) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_smaller_thumbnail_is_as_close(example: str) -> None:
    thumbnails = Thumbnails(load_example(example, size=96).images)
    for psnr_db in torch.linspace(8, 30, 60).tolist():
        reaching = (side for side in range(1, 96) if thumbnails.psnr_db(side) >= psnr_db - TOLERANCE_DB)
        assert thumbnails.side_of(psnr_db) == next(reaching, 96)


def test_an_equal_picture_needs_every_pixel_and_one_colour_needs_one() -> None:
    original = load_example("coffee", size=64).images
    flat = original.mean(dim=(2, 3), keepdim=True).expand_as(original)
    assert thumbnail_side(torch.cat([original, flat]), original.expand(2, -1, -1, -1)).tolist() == [64, 1]


def test_each_picture_of_a_batch_is_measured_by_its_own_original() -> None:
    originals = torch.cat([load_example(name, size=64).images for name in ("cat", "coffee")])
    made = torch.cat([pillow_thumbnail(originals[:1], 8), pillow_thumbnail(originals[1:], 24)])
    assert thumbnail_side(made, originals).tolist() == [8, 24]


def test_an_undefined_psnr_has_no_thumbnail() -> None:
    assert math.isnan(Thumbnails(load_example("cat", size=64).images).side_of(math.nan))


def test_a_dozen_trials_find_a_side_among_224(monkeypatch: pytest.MonkeyPatch) -> None:
    original, trials = load_example("cat").images, set[int]()
    measure = Thumbnails.psnr_db
    monkeypatch.setattr(Thumbnails, "psnr_db", lambda self, side: trials.add(side) or measure(self, side))
    thumbnail_side(pillow_thumbnail(original, 20), original)
    assert len(trials) <= 12
