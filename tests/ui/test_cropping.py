"""The square that a visitor chooses on the page is cut from the visitor's own file, and from no other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
import PIL.Image
import pytest
import torch

from explorer.decoding.decode import decode
from explorer.decoding.square import Crop
from explorer.examples import load_example
from explorer.files import REFUSED
from explorer.images import Images, Picture, read_picture
from explorer.ui.bounds import NO_FILES, TOO_MUCH
from explorer.ui.components.arguments import number
from explorer.ui.components.picture_input import WHOLE_SIDE
from explorer.ui.crop_box import CHOOSABLE
from explorer.ui.cropping import NO_SQUARE, read_crop
from explorer.ui.links import find_nonsense
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Source, Visit
from tests.support.photos import cat, encode, exif
from tests.support.visitor import EventFailedError, Page, Visitor, connect, open_image

pytestmark = pytest.mark.usefixtures("fast_judge")

# Stored on its side, as phones do, and larger than what is shown of it.
STORED = cat(600, 900).transpose(PIL.Image.Transpose.ROTATE_90)
PHOTO = encode(STORED, "JPEG", quality=95, exif=exif(6))
CROP = Crop(0.4, 0.7, 0.5)
EXPECTED = read_picture(PHOTO, crop=CROP, decoder=decode).images
CHOSEN = {"x": CROP.x, "y": CROP.y, "side": CROP.side}


@asynccontextmanager
async def visiting(address: str, query: str = "") -> AsyncIterator[Visitor]:
    async with connect(60) as http:
        visitor = await Visitor(await Page(address, http).open(), query).open()
        try:
            yield visitor
        finally:
            await visitor.close()


def images_of(visit: Visit) -> Images:
    assert visit.exploration is not None
    assert isinstance(visit.exploration.given, Picture)
    return visit.exploration.given.images


def test_the_square_is_cut_from_the_upload_and_decoded_anew(served: tuple[str, AppState]) -> None:
    address, state = served

    async def choose() -> tuple[list[Any], ...]:
        async with visiting(address) as visitor:
            photo = await visitor.upload(PHOTO, "photo.jpg")
            laid = await visitor.call("accept", picture=photo)
            await visitor.call("decode")
            whole = await visitor.call("look")
            cut = await visitor.call("cut", event_data=CHOSEN)
            decoded = await visitor.call("decode_3")
            again = await visitor.call("look")
            visit = state.visits.get(visitor.session)
            assert torch.equal(images_of(visit), EXPECTED)
            visit.forget()  # What had to make room is begun anew with the same square.
            await visitor.call("open")
            assert torch.equal(images_of(visit), EXPECTED)
            assert sum(visit.uploads.values()) == 1
            return laid, whole, cut, decoded, again

    laid, whole, cut, decoded, again = asyncio.run(choose())
    assert laid[4] == CHOOSABLE
    shown = json.loads(whole[0])
    assert shown["crop"] == [0.5, 0.5, 1.0]
    assert max(open_image(shown["src"]).size) == WHOLE_SIDE
    assert open_image(shown["src"]).height > open_image(shown["src"]).width  # Upright.
    assert json.loads(again[0])["crop"] == [CROP.x, CROP.y, CROP.side]
    stage = json.loads(decoded[0])
    assert stage["original"] == json.loads(cut[0])["original"] != json.loads(laid[0])["original"]
    assert len(stage["panels"]) == 4


ODD = [None, "0.5", True, [0.5], -0.01, 1.01, 2**70, "/etc/passwd"]


def test_what_is_no_square_ends_in_a_sentence_and_changes_nothing(
    served: tuple[str, AppState], capfd: pytest.CaptureFixture[str]
) -> None:
    address, state = served

    async def choose() -> list[str]:
        async with visiting(address) as visitor:
            await visitor.call("accept", picture=await visitor.upload(PHOTO, "photo.jpg"))
            visit = state.visits.get(visitor.session)
            before, said = visit.exploration, []
            odd = [{**CHOSEN, name: value} for name in CHOSEN for value in ODD]
            for given in [*odd, {**CHOSEN, "side": 0}, {**CHOSEN, "side": 0.01}, None, 7, {"path": "/etc"}]:
                with pytest.raises(EventFailedError) as refusal:
                    await visitor.call("cut", event_data=given)
                said.append(str(refusal.value))
            assert visit.exploration is before
            return said

    said = asyncio.run(choose())
    sentences = ("must be a number from", TOO_MUCH, NO_FILES, "at least 32")
    assert all(any(sentence in one for sentence in sentences) for one in said), said
    assert sum("at least 32" in one for one in said) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_square_is_cut_from_the_picture_at_hand_alone(served: tuple[str, AppState]) -> None:
    address, state = served

    async def choose() -> list[str]:
        async with visiting(address) as visitor:
            said, visit = [], state.visits.get(visitor.session)
            elsewhere = (
                None,
                Source(None, "/a.safetensors", ("layer1",)),
                Source(None, "/etc/passwd"),
                Source(None, "a\0b"),
            )
            for source in elsewhere:
                visit.source = source
                for event in ("look", "cut"):
                    with pytest.raises(EventFailedError) as refusal:
                        await visitor.call(event, event_data={**CHOSEN, "file": "/etc/hostname"})
                    said.append(str(refusal.value))
            visit.source = None
            return said

    assert asyncio.run(choose()) == [NO_SQUARE] * 4 + [REFUSED] * 4


def test_a_square_of_the_example_is_cut_from_all_of_it_and_goes_with_the_link(
    served: tuple[str, AppState],
) -> None:
    address, state = served
    expected = load_example("cat", crop=CROP).images

    async def choose() -> tuple[str, dict[str, Any], Visit]:
        async with visiting(address) as visitor:
            *_, box = await visitor.call("welcome")
            assert box == CHOOSABLE
            (whole,) = await visitor.call("look")
            assert open_image(json.loads(whole)["src"]).size == (451, 300)
            *_, replay, resume, _ = await visitor.call("cut", event_data={**CHOSEN, "file": "/etc/passwd"})
            assert (replay["visible"], resume["visible"]) == (False, False)  # The recorded run is of another.
            visit = state.visits.get(visitor.session)
            assert torch.equal(images_of(visit), expected)
            query, _ = await visitor.call("write")
            visit.forget()  # What had to make room is begun anew with the same square.
            await visitor.call("open")
            assert torch.equal(images_of(visit), expected)
            return query, json.loads(whole), visit

    async def follow(query: str) -> str:
        async with visiting(address, query) as visitor:
            notice, _, picture, *_ = await visitor.call("restore")
            await visitor.call("accept", picture=picture)
            visit = state.visits.get(visitor.session)
            assert torch.equal(images_of(visit), expected)
            assert visit.source is not None
            assert (visit.source.example, visit.source.crop, sum(visit.uploads.values())) == ("cat", CROP, 0)
            assert visit.exploration is not None
            assert (visit.exploration.example, visit.exploration.crop) == (None, CROP)
            return notice

    query, whole, _ = asyncio.run(choose())
    assert whole["crop"] == [0.5, 0.5, 1.0]
    assert query == "example=cat&crop=0.4,0.7,0.5"
    assert asyncio.run(follow(query)) == ""


NONSENSE = (
    "", "0.5", "0.5,0.5", "0.5,0.5,0.5,0.5", "a,b,c", "nan,0.5,0.5", "0.5,inf,1", "0.5,0.5,0", "0.5,0.5,-1",
    "1.1,0.5,0.5", "0.5,0.5,0.05", "0.5,0.5,1e-9", "0" * 1_000_000, "0.5," * 1_000_000, "{oc.env:HOME}",
    "0.5,0.5,{oc.env:HOME}", "/etc/passwd", "[0.5,0.5,0.5]", "0x1,0.5,0.5", "0.5\0,0.5,0.5", "a1b2c3d4e5f",
)  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:20])
def test_a_square_that_is_none_is_left_out_of_a_link(text: str) -> None:
    given = {"example": "cat", "crop": text}
    assert read_crop(given) is None
    assert find_nonsense(given) == ["crop"]


@pytest.mark.parametrize("example", [None, "", "photo.png", "/etc/passwd", "__class__"])
def test_a_square_belongs_to_an_example(example: str | None) -> None:
    assert read_crop({"crop": "0.4,0.7,0.5", **({} if example is None else {"example": example})}) is None


def test_a_link_s_square_is_read_as_the_command_line_reads_it() -> None:
    given = {"example": "cat", "crop": "0.4,0.7,0.5"}
    assert read_crop(given) == CROP == Crop.parse(CROP.write())
    assert find_nonsense(given) == []


def test_nonsense_opens_the_centre_with_one_line_and_another_visitor_s_session_tells_nothing(
    served: tuple[str, AppState],
) -> None:
    address, state = served

    async def follow() -> str:
        async with visiting(address) as other:
            await other.call("accept", picture=await other.upload(PHOTO, "photo.jpg"))
            async with visiting(address, f"example=cat&crop={other.session}") as visitor:
                notice, _, picture, *_ = await visitor.call("restore")
                await visitor.call("accept", picture=picture)
                shown = images_of(state.visits.get(visitor.session))
                assert torch.equal(shown, load_example("cat").images)
                return notice.replace(other.session, "SESSION")

    assert "Not understood in this link, and left out: crop=SESSION" in asyncio.run(follow())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_share_is_a_finite_number(value: float) -> None:
    with pytest.raises(gr.Error, match="x must be a number from 0 to 1"):
        number("x", value, 0, 1)
