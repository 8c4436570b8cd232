"""Measure how far random photos lie apart at each layer: ``python -m trainers.pair_errors FOLDER``.

It writes the table that `explorer.metrics.chance` reads.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from explorer.commands.measuring import list_pictures
from explorer.images import Picture, read_picture
from explorer.lab.lab import Lab
from explorer.metrics.chance import PAIRS, TABLE_FILE
from explorer.metrics.functional import feature_error

DIGITS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the pairs of a folder's photos and write the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=TABLE_FILE)
    options = parser.parse_args(arguments)
    pictures = [read_picture(path) for path in tqdm(list_pictures(options.folder), "reading")]
    lab = Lab.load()
    fingerprints = {layer: lab.trunk(layer).fingerprint for layer in lab.layers}
    errors = {layer: measure_pairs(lab, pictures, layer) for layer in lab.layers}
    options.out.write_text(
        json.dumps({"fingerprints": fingerprints, "errors": errors}) + "\n", encoding="utf-8"
    )
    return 0


def measure_pairs(lab: Lab, pictures: Sequence[Picture], layer: str, pairs: int = PAIRS) -> list[float]:
    """Compute the feature errors of random pairs of different pictures at a layer, sorted."""
    # In 16 bits, since all photos' features of a shallow layer stand in memory at once.
    found = [lab.at(layer).encode(one)[layer].half() for one in tqdm(pictures, layer)]
    generator = torch.Generator().manual_seed(0)
    errors = []
    for _ in range(pairs):
        first, second = torch.randperm(len(found), generator=generator)[:2].tolist()
        errors.append(round(float(feature_error(found[first].float(), found[second].float())), DIGITS))
    return sorted(errors)


if __name__ == "__main__":
    sys.exit(main())
