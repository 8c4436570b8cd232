"""Thirty visitors who come, look, run, stop, close their tabs and lose their networks, and what they saw."""

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.visitor import (
    CODE_BITS,
    EventFailedError,
    Page,
    Visitor,
    connect,
    draw_code,
    psnr_between,
    read_code,
)

LAYERS = ("layer1", "layer2", "layer3", "layer4")
# What a busy page may answer, in its own words.
REFUSALS = ("runs are under way or waiting", "from your address", "Too many uploads")
ENDINGS = ("finish", "stop", "close", "cut")
# A picture with another code in half of its squares has 9 dB, however good that one's own reconstruction is.
LEAST_PSNR_DB = 12.0
# What a photo codec takes from a reconstruction of 20 dB, and more.
CODEC_DB, TELLING_PSNR_DB = 2.0, 20.0


@dataclass
class Diary:
    """What all visitors saw."""

    first_frames: list[float] = field(default_factory=list)
    decodes: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)  # The longest time without movement, of each run.
    endings: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[tuple[str, str]]:
        """List the figures with their names."""
        times = [
            (name, f"median {statistics.median(values):.1f} s, longest {max(values):.1f} s of {len(values)}")
            for name, values in (
                ("first frame after Run", self.first_frames),
                ("longest time without movement in a run", self.gaps),
                ("whole run", self.runs),
                ("four layers decoded after an upload", self.decodes),
            )
            if values
        ]
        counts = {"runs ended by": self.endings, "refusals": self.refusals, "faults": self.faults}
        return times + [(name, _count(counter)) for name, counter in counts.items()]


def _count(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"


async def crowd(address: str, seconds: float, *, visitors: int, seed: int = 0) -> Diary:
    """Let so many visitors come and go for so long; all have left when this returns."""
    diary, until = Diary(), time.monotonic() + seconds
    async with connect(120) as http:
        page = await Page(address, http).open()
        await asyncio.gather(
            *(
                _come_and_go(page, diary, until, random.Random(seed * 1000 + number))
                for number in range(visitors)
            )
        )
    return diary


async def _come_and_go(page: Page, diary: Diary, until: float, dice: random.Random) -> None:
    await asyncio.sleep(dice.uniform(0, 3))
    while time.monotonic() < until:
        visitor = await Visitor(page).open()
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 0) + 1):
                await _visit(visitor, diary, dice)
        except TimeoutError:
            diary.endings["time over"] += 1
        except EventFailedError as error:
            refusal = next((words for words in REFUSALS if words in str(error)), None)
            (diary.refusals if refusal else diary.faults)[refusal or f"error: {error}"] += 1
            await asyncio.sleep(5)
        except (httpx.HTTPError, AssertionError, KeyError, ValueError) as error:
            diary.faults[f"{type(error).__name__}: {error}"] += 1
        finally:
            await visitor.close()


async def _visit(visitor: Visitor, diary: Diary, dice: random.Random) -> None:
    code = dice.getrandbits(CODE_BITS)
    picture = await visitor.upload(draw_code(code))
    began = time.monotonic()
    await visitor.call("accept", picture=picture)
    (stage,) = await visitor.call("decode", picture=picture)
    diary.decodes.append(time.monotonic() - began)
    _check(json.loads(stage), code, diary, "decoded")
    for _ in range(dice.randint(1, 2)):
        if await _run(visitor, picture, code, diary, dice) == "close":
            return
        await asyncio.sleep(dice.uniform(0, 3))
    if dice.random() < 0.3:
        await visitor.call("open", picture=picture)
    if dice.random() < 0.2:
        name, packed = await visitor.call("pack", picture=picture)
        assert name.endswith(".zip")
        assert len(packed) > 10_000


async def _run(visitor: Visitor, picture: Any, code: int, diary: Diary, dice: random.Random) -> str:
    """Run, and end the run in one of the ways that a run can end; return which."""
    ending = dice.choice(ENDINGS)
    layers = dice.sample(LAYERS, dice.randint(1, 4))
    shown: dict[str, Any] | None = None
    async with aclosing(_watch(visitor, picture, layers, diary, dice)) as values:
        async for value in values:
            shown = value if shown is None else {**value, "original": shown["original"]}
            if ending != "finish" and dice.random() < 0.1:
                break
    if ending == "stop":
        await visitor.call("stop")
    elif ending == "cut":
        visitor.cut()
    diary.endings[ending] += 1
    if shown is None:
        diary.faults["a run that showed nothing"] += 1
    else:
        _check(shown, code, diary, "run")
        if ending == "finish" and not shown["status"].startswith("Done"):
            diary.faults[f"a run that ended with '{shown['status']}'"] += 1
    return ending


async def _watch(
    visitor: Visitor, picture: Any, layers: Sequence[str], diary: Diary, dice: random.Random
) -> AsyncGenerator[dict[str, Any], None]:
    began = moved = time.monotonic()
    gap = 0.0
    steps = 10 * dice.randint(2, 8)
    async with aclosing(
        visitor.stream("run", picture=picture, steps=steps, seconds=20, layers=layers)
    ) as updates:
        async for stage, _ in updates:
            if not isinstance(stage, str):
                continue
            now = time.monotonic()
            if moved == began:
                diary.first_frames.append(now - began)
            else:
                gap = max(gap, now - moved)
            moved = now
            yield json.loads(stage)
    diary.runs.append(time.monotonic() - began)
    diary.gaps.append(gap)


def _check(stage: dict[str, Any], code: int, diary: Diary, kind: str) -> None:
    """Hold the code in the pictures against the visitor's own."""
    if not stage["panels"]:
        diary.faults[f"{kind}: no picture"] += 1
    if read_code(stage["original"]) != code:
        diary.faults[f"{kind}: another one's original"] += 1
    for layer, panel in stage["panels"].items():
        said = panel["psnr_db"] or 0.0
        seen = psnr_between(panel["src"], stage["original"])
        if said >= LEAST_PSNR_DB and seen < min(said, TELLING_PSNR_DB) - CODEC_DB:
            diary.faults[f"{kind}: another one's picture at {layer}, {seen:.0f} not {said:.0f} dB"] += 1
