"""Make the recorded runs that ship with the page: real races on the examples, small enough to send at once.

python -m trainers.record [EXAMPLE …] [--steps N] [--weights W] [--out DIR]
"""

import argparse
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image

from explorer import __version__
from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import LAYERS
from explorer.files import replacing
from explorer.images import Images, Picture, Pixels
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.lab.race import Frame
from explorer.machine import best_device

RECORDINGS = Path(__file__).parents[1] / "explorer" / "ui" / "components" / "recordings"
STEPS = 200
FRAMES_KEPT = 18
# Kept frames lie denser at the start, where a race changes fastest.
EARLY_BIAS = 1.7
WEBP_QUALITY = 72


def main() -> None:
    """Record every example asked for."""
    options = parse_options()
    lab = Lab.load(options.weights, best_device())
    for name in options.examples or EXAMPLES:
        path = options.out / f"{name}.json"
        recorded = json.dumps(record(lab, load_example(name), options.steps))
        with replacing(path) as partial:
            partial.write_text(recorded, encoding="utf-8")
        print(f"{path}: {path.stat().st_size / 1024:.0f} kB")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Record races on the examples for the page to replay.")
    parser.add_argument("examples", nargs="*", metavar="EXAMPLE", help=f"default: {', '.join(EXAMPLES)}")
    parser.add_argument(
        "--steps", type=int, default=STEPS, help="evaluations per layer (default: %(default)s)"
    )
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RECORDINGS, help="default: %(default)s")
    return parser.parse_args()


def record(lab: Lab, picture: Picture, steps: int) -> dict[str, Any]:
    """Race the four layers to the end and keep some frames, the numbers, and what it takes to repeat it."""
    settings = {layer: load_settings(layer, evaluations=steps) for layer in LAYERS}
    race = lab.race(picture, settings)
    frames, reached = [], []
    for frame in race.frames():
        frames.append(frame)
        reached.append({made.layer: made.images for made in race.reconstructions()})
    results = race.reconstructions()
    return {
        "example": picture.name,
        "weights": lab.backbone.name,
        "digest": lab.backbone.digest,
        "version": __version__,
        "steps": steps,
        "seed": settings[LAYERS[0]].seed,
        "frames": [_pack(lab, picture, frames, reached, index) for index in choose_frames(frames)],
        "scores": {made.layer: lab.score(picture, made).plain() for made in results},
        "seconds": {made.layer: made.seconds for made in results},
    }


def choose_frames(frames: Sequence[Frame]) -> list[int]:
    """Choose the frames to keep by time: the first, the last, and ever sparser ones between."""
    length = frames[-1].seconds
    moments = [length * (index / (FRAMES_KEPT - 1)) ** EARLY_BIAS for index in range(FRAMES_KEPT)]
    nearest = [min(range(len(frames)), key=lambda i: abs(frames[i].seconds - moment)) for moment in moments]
    return sorted({0, *nearest, len(frames) - 1})


def _pack(
    lab: Lab, picture: Picture, frames: Sequence[Frame], reached: Sequence[Mapping[str, Images]], index: int
) -> dict[str, Any]:
    """Write a frame as JSON can hold it."""
    panels = {}
    for layer, panel in frames[index].panels.items():
        scores = lab.scorer.compare(reached[index][layer], picture.images).finite()
        panels[layer] = {
            "step": panel.step,
            "evaluations": panel.evaluations,
            "feature": round(panel.losses["feature"], 5),
            "psnr_db": round(panel.psnr_db, 3),
            "ssim": _round(scores["ssim"]),
            "lpips": _round(scores["lpips"]),
            "webp": b64encode(_to_webp(panel.pixels)).decode("ascii"),
        }
    return {"seconds": round(frames[index].seconds, 2), "panels": panels}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _to_webp(pixels: Pixels) -> bytes:
    buffer = BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "WEBP", quality=WEBP_QUALITY, method=6)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
