"""One visitor's race, from Run to the table of final numbers."""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.race import AnyRace, Frame
from explorer.lab.run import Reconstruction
from explorer.machine import return_freed_memory
from explorer.metrics.scores import Scores, join_reasons
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.session.app_state import AppState, Visit, score_key
from explorer.ui.session.history import History
from explorer.ui.session.live_metrics import LiveMetrics, Measurement
from explorer.ui.session.options import RunOptions
from explorer.ui.session.zero_gpu import set_up_race
from explorer.ui.stage import StageValue, read_frame, still
from explorer.ui.stage.captions import Sentence, describe_layers, describe_scores, flat_psnr_db
from explorer.ui.stage.table import Table, make_row, make_table


def begin(lab: Lab, visit: Visit, options: RunOptions) -> AnyRace:
    """Set up a race for the visit's picture, in place of the one before.

    Raises:
        SettingsError: a choice makes no sense.
        ValueError: there is no picture.
    """
    if visit.picture is None:
        raise ValueError("A race needs a picture.")
    visit.options, visit.settings = options, options.settings()
    stops = visit.stops
    visit.race = set_up_race(lab, visit.picture, visit.settings, options.method)
    visit.run, visit.history = uuid4().hex, History()
    if visit.stops != stops:  # While a decoder made the start picture, say.
        visit.race.stop()
    return visit.race


def watch(state: AppState, visit: Visit, seconds: float) -> Generator[StageValue, None, None]:
    """Run the visit's race for so long, or until it is stopped, and measure what it has reached.

    Ends without a further word when another picture or a recording takes the stage meanwhile.
    """
    race, picture = visit.race, visit.picture
    if race is None or picture is None:
        return
    metrics, thumbnails = LiveMetrics(state.lab.scorer, picture), Thumbnails(picture.images)
    value = StageValue(visit.run, still(picture.images), status="Running …", is_over=False)
    with closing(race.frames(seconds)) as frames:
        for frame in frames:
            if visit.race is not race:
                return
            fresh = metrics.read(race, frame.seconds)
            panels = read_frame(frame, visit.history.add(frame), state.shapes, fresh, thumbnails)
            table = _running_table(frame, metrics.latest, thumbnails)
            value = replace(value, panels=panels, seconds=frame.seconds, table=table)
            yield value
            value = replace(value, original=None)
    results = race.reconstructions()
    visit.optimised = {made.layer: made for made in results}
    value = replace(value, captions=_captions(value, picture), status="Measuring …", is_over=True)
    yield value
    scores = state.score(picture, results)
    return_freed_memory()
    if visit.race is race:
        visit.scores |= {score_key(made): scores[made.layer] for made in results}
        is_trained = state.lab.backbone.digest is not None
        yield _with_scores(value, results, scores, is_trained=is_trained)


def _with_scores(
    value: StageValue, results: list[Reconstruction], scores: dict[str, Scores], *, is_trained: bool
) -> StageValue:
    panels = {
        layer: replace(panel, ssim=scores[layer]["ssim"], lpips=scores[layer]["lpips"])
        for layer, panel in value.panels.items()
    }
    rows = [make_row(made.layer, scores[made.layer], made.evaluations, made.seconds) for made in results]
    captions = [*value.captions, *describe_scores(scores, is_trained=is_trained)]
    status = f"Done after {value.seconds:.1f} s. {join_reasons(scores.values())}".rstrip()
    return replace(value, panels=panels, captions=captions, table=make_table(rows), status=status)


def _running_table(frame: Frame, readings: Mapping[str, Measurement], thumbnails: Thumbnails) -> Table:
    """Write what is known of a race under way: SSIM and LPIPS as last read, the rest when it is over."""
    rows = []
    for layer, panel in frame.panels.items():
        read = readings.get(layer, Measurement())
        known = {
            "psnr_db": panel.psnr_db,
            "ssim": read.ssim,
            "lpips": read.lpips,
            "feature_error": panel.losses["feature"],
            "thumbnail_side": thumbnails.side_of(panel.psnr_db),
        }
        rows.append(make_row(layer, Scores(known), panel.evaluations, panel.seconds))
    return make_table(rows)


def _captions(value: StageValue, picture: Picture) -> list[Sentence]:
    psnr_db = {layer: panel.psnr_db or 0.0 for layer, panel in value.panels.items()}
    return describe_layers(psnr_db, flat_psnr_db(picture.images), after=f"After {value.seconds:.0f} s, ")
