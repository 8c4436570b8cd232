"""A feature error against chance: closer than how many of 1,000 random pairs of photos?

An error of 0.4 is near at one layer and far at another; how far photos lie apart there tells (Feather et al.
2023). `python -m trainers.pair_errors FOLDER` has computed the table from 1,000 pairs of 300 ImageNet photos
that no training saw, with the weights that come with this repository. A verdict is given only where a network
is the same up to the layer; exact V1 is so through layer2.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE_FILE = Path(__file__).with_name("pair_errors.json")
PAIRS = 1000


@dataclass(frozen=True, slots=True)
class PairErrors:
    """Feature errors between photos, sorted, by layer; `fingerprints` tell the trunks that they hold for."""

    fingerprints: Mapping[str, str]
    errors: Mapping[str, Sequence[float]]

    def count_farther(self, layer: str, fingerprint: str, error: float | None) -> int | None:
        """Count the random pairs that lie farther apart than this error; None where there is no table."""
        known = self.errors.get(layer)
        if error is None or known is None or fingerprint != self.fingerprints.get(layer):
            return None
        return len(known) - bisect_right(known, error)


@cache
def pair_errors() -> PairErrors:
    """Read the table that ships."""
    return PairErrors(**json.loads(TABLE_FILE.read_text(encoding="utf-8")))


def describe_chance(farther: int | None) -> str:
    """Say how an error stands against chance; nothing where nothing is known of it."""
    return "" if farther is None else f"closer than {farther:,} of {PAIRS:,} random pairs of photos"
