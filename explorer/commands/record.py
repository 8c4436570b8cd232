"""The command `record`: real races on the examples, for the page to replay at once."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from explorer import __version__
from explorer.commands.inputs import load_lab
from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import LAYERS
from explorer.images import Picture, to_images
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.lab import Lab
from explorer.lab.race import Frame, Panel
from explorer.numbers import parse_positive
from explorer.report.recording import (
    DEEPEST,
    SHIPPED,
    RecordedFrame,
    RecordedPanel,
    Recording,
    encode_webp,
    recording_path,
    still_path,
    write_recording,
    write_still,
)

METHOD = "optimiser"
STEPS = 200
DEEPEST_STEPS = 120  # Enough for the network to name its class again.
FRAMES_KEPT = 18
# Kept frames lie denser at the start, where a race changes fastest.
EARLY_BIAS = 1.7


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("examples", nargs="*", metavar="EXAMPLE", help=f"default: {', '.join(EXAMPLES)}")
    parser.add_argument(
        "--steps", type=parse_positive, default=STEPS, help="evaluations per layer (default: %(default)s)"
    )
    parser.add_argument(
        "--deepest", action="store_true", help=f"only {DEEPEST} without loss, for the page to compare at once"
    )
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="as for reconstruct")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="default: where the page looks for them")


def run(options: Namespace) -> str:
    """Record every example asked for, and say which files there are now."""
    pictures = [load_example(name) for name in options.examples or EXAMPLES]
    if options.deepest:
        return _record_deepest(load_lab(options.weights), pictures, options.out)
    settings = {layer: load_settings(layer, METHOD, evaluations=options.steps) for layer in LAYERS}
    lab = load_lab(options.weights)
    said = []
    for picture in pictures:
        path = recording_path(picture.name, options.out)
        write_recording(record(lab, picture, settings), path)
        said.append(f"{path}: {path.stat().st_size / 1024:.0f} kB")
    return "\n".join(said)


def _record_deepest(lab: Lab, pictures: Sequence[Picture], folder: Path) -> str:
    """Search each picture's last layer, and keep it to the bit: any loss would end the deception."""
    at, said = lab.at(DEEPEST), []
    settings = at.settings(METHOD, evaluations=DEEPEST_STEPS)
    for picture in pictures:
        path = still_path(picture.name, folder)
        write_still(at.reconstruct(picture, METHOD, settings).images, path)
        said.append(f"{path}: {path.stat().st_size / 1024:.0f} kB")
    return "\n".join(said)


def record(lab: Lab, picture: Picture, settings: dict[str, Settings]) -> Recording:
    """Race the layers to the end and keep some frames, the numbers, and what it takes to repeat it."""
    race = lab.race(picture, settings, method=METHOD)
    frames = list(race.frames())
    made = race.reconstructions()
    first = next(iter(settings.values()))
    return Recording(
        example=picture.name,
        weights=lab.backbone.name,
        digest=lab.backbone.digest,
        version=__version__,
        steps=first.evaluations or max(one.evaluations for one in made),
        seed=first.seed,
        frames=[_keep(lab, picture, frames[index]) for index in choose_frames(frames)],
        scores={one.layer: lab.score(picture, one) for one in made},
        seconds={one.layer: one.seconds for one in made},
    )


def choose_frames(frames: Sequence[Frame]) -> list[int]:
    """Choose the frames to keep by time: the first, the last, and ever sparser ones between."""
    length = frames[-1].seconds
    moments = [length * (index / (FRAMES_KEPT - 1)) ** EARLY_BIAS for index in range(FRAMES_KEPT)]
    nearest = [min(range(len(frames)), key=lambda i: abs(frames[i].seconds - moment)) for moment in moments]
    return sorted({0, *nearest, len(frames) - 1})


def _keep(lab: Lab, picture: Picture, frame: Frame) -> RecordedFrame:
    panels = {layer: _keep_panel(lab, picture, panel) for layer, panel in frame.panels.items()}
    return RecordedFrame(round(frame.seconds, 2), panels)


def _keep_panel(lab: Lab, picture: Picture, panel: Panel) -> RecordedPanel:
    scores = lab.scorer.compare(to_images(panel.pixels), picture.images).finite()
    return RecordedPanel(
        step=panel.record.step,
        evaluations=panel.record.evaluations,
        feature=round(panel.record.losses["feature"], 5),
        psnr_db=round(panel.record.psnr_db, 3),
        ssim=_round(scores["ssim"]),
        lpips=_round(scores["lpips"]),
        webp=encode_webp(panel.pixels),
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
