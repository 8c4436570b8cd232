"""How sure a mean is: Student's 95 % interval, the only one that the tables show."""

import math
from collections.abc import Sequence
from statistics import stdev

import scipy.stats

CONFIDENCE = 0.95


def half_width(values: Sequence[float]) -> float | None:
    """Compute half the width of Student's confidence interval of the mean; a single value has none."""
    if len(values) < 2:
        return None
    quantile = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    return float(quantile * stdev(values) / math.sqrt(len(values)))
