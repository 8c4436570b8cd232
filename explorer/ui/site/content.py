"""What the static page holds of one picture: decoded, a run to replay, pairs compared; half a megabyte."""

import json
import math
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from itertools import combinations, pairwise
from typing import Any

import PIL.Image

from explorer.images import Images, Picture, read_picture
from explorer.lab.lab import Lab
from explorer.report.animation import thin
from explorer.ui.compare_slider import SliderPicture, SliderValue
from explorer.ui.components.recordings import has_recording, write_replay
from explorer.ui.session.app_state import AppState
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.options import RunOptions
from explorer.ui.session.visit import Exploration
from explorer.ui.site.experiments import explore
from explorer.ui.stage import still
from explorer.ui.stage.encoding import data_uri
from explorer.ui.tabs.compare import (
    Candidate,
    describe_opinions,
    describe_others,
    describe_scores,
    gather_candidates,
)
from explorer.ui.tabs.instant import (
    BEST,
    choose_decoder,
    decode_picture,
    list_decoders,
    look_again,
    measure_decoded,
)

MAX_BYTES = 500_000  # Of one picture, so that a phone on a school's network has it at once.
QUALITY = 80  # Of the pictures shown, as WebP; every figure was measured before.
SMALL = ("data:image/webp", "data:image/svg+xml")
RUN = RunOptions(seconds=30)

Content = dict[str, Any]


def make_content(state: AppState, name: str, picture: Picture, example: str | None = None) -> Content:
    """Decode, run and compare one picture, and return all that the static page shows of it.

    An example that ships with a recorded run replays that one; any other picture is run here, which takes
    half a minute. Raises ExplorerError when the models cannot be had.
    """
    exploration = Exploration(picture, example)
    instant = {method: _decode(state, exploration, method) for method in _list_offered(state.lab)}
    for _ in decode_picture(state, exploration, BEST):  # Whose pictures are those to compare.
        pass
    if example and has_recording(example, state.network):
        live = json.loads(write_replay(example))
        optimised = {layer: _read(panel["src"]) for layer, panel in live["frames"][-1]["panels"].items()}
    else:
        live, optimised = _run(state, picture)
    candidates = gather_candidates(exploration) | {
        f"{layer} optimised": Candidate(images, "optimised", layer) for layer, images in optimised.items()
    }
    return {
        "name": name,
        "instant": instant,
        "live": live,
        "compare": _compare(state.lab, candidates),
        "explore": explore(state.lab, picture),
    }


def write_content(content: Content) -> str:
    """Write a picture's content as a script, in MAX_BYTES at most: runs are thinned until they fit."""
    pictures: dict[str, str] = {}
    shrunk = _replace_pictures(content, pictures)
    while len(text := _write_script(shrunk, pictures)) > MAX_BYTES and len(shrunk["live"]["frames"]) > 2:
        frames = shrunk["live"]["frames"]
        shrunk["live"]["frames"] = thin(frames, math.ceil(len(frames) / 2))
        pictures = {key: pictures[key] for key in sorted(_list_used(shrunk)) if key in pictures}
    return text


def _list_offered(lab: Lab) -> list[str]:
    """List the methods that decode at least one layer with these weights."""
    methods = [method for _, method in list_decoders()]
    places = [lab.at(layer) for layer in lab.layers]
    return [
        method
        for method in methods
        if any(choose_decoder(at, method) == method for at in places) or method == BEST
    ]


def _decode(state: AppState, exploration: Exploration, method: str) -> Content:
    """Decode by one method; `passes` holds the panels before the last, where a picture came in several."""
    values = list(decode_picture(state, exploration, method))
    measured = measure_decoded(state, exploration)
    assert measured is not None
    complete = [value.panels for value in values if len(value.panels) == len(state.network.layers)]
    passes = [panels for panels, later in pairwise(complete) if panels != later]
    told = look_again(state, exploration)
    assert told is not None
    return {
        **json.loads(told),
        "passes": [{layer: asdict(panels[layer]) for layer in panels} for panels in passes],
    }


def _run(state: AppState, picture: Picture) -> tuple[Content, dict[str, Images]]:
    """Run the picture as the Live tab does, and return what replays it, and the pictures reached."""
    run = LiveRun(state.lab, picture, RUN)
    values = [json.loads(run.show(progress).text()) for progress in run.advance(RUN.seconds)]
    frames = [{key: value[key] for key in ("seconds", "panels")} for value in values if not value["is_over"]]
    live = {**values[-1], "original": still(picture.images), "frames": frames}
    return live, {layer: made.images for layer, made in run.made.results.items()}


def _compare(lab: Lab, candidates: Mapping[str, Candidate]) -> Content:
    """Compare the pictures as the slider shows them; `pairs` holds what is said of two.

    These are the original with every other, and the two of one layer: all pairs would take minutes a picture.
    """
    opinions = {key: lab.scorer.predictions(one.images) for key, one in candidates.items()}
    others = {key: lab.scorer.independent_predictions(one.images) for key, one in candidates.items()}
    pairs = {
        f"{a} | {b}": (
            describe_scores(lab.scorer.compare(candidates[b].images, candidates[a].images)),
            describe_opinions(lab.models.network.title, opinions[a], opinions[b]),
            describe_others(others[a], others[b]),
        )
        for a, b in combinations(candidates, 2)
        if candidates[a].layer in (None, candidates[b].layer)
    }
    first, *_, last = candidates
    pictures = {
        key: SliderPicture(one.label, still(one.images), one.layer) for key, one in candidates.items()
    }
    told = {key: [(one.label, one.probability) for one in opinion] for key, opinion in opinions.items()}
    return {**SliderValue(pictures, first, last, opinions=told).plain(), "pairs": pairs}


def _read(uri: str) -> Images:
    return read_picture(b64decode(uri.partition(",")[2])).images


def _replace_pictures(value: Any, pictures: dict[str, str]) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Replace every picture by its key in `pictures`, where each stands once, as WebP."""
    if isinstance(value, dict):
        return {key: _replace_pictures(entry, pictures) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_pictures(entry, pictures) for entry in value]
    if not (isinstance(value, str) and value.startswith("data:image/")):
        return value
    shrunk = value if value.startswith(SMALL) else _shrink(value)
    known = next((key for key, uri in pictures.items() if uri == shrunk), None)
    key = known or f"@{len(pictures)}"
    pictures[key] = shrunk
    return key


def _shrink(uri: str) -> str:
    buffer = BytesIO()
    PIL.Image.open(BytesIO(b64decode(uri.partition(",")[2]))).save(buffer, "WEBP", quality=QUALITY, method=6)
    return data_uri(buffer.getvalue(), "webp")


def _list_used(value: Any) -> set[str]:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, dict):
        return set().union(*map(_list_used, value.values()))
    if isinstance(value, list):
        return set().union(*map(_list_used, value))
    return {value} if isinstance(value, str) and value.startswith("@") else set()


def _write_script(content: Content, pictures: dict[str, str]) -> str:
    return f"window.explorerPicture({json.dumps({**content, 'pictures': pictures}, ensure_ascii=False)});\n"
