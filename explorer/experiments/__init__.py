"""Experiments on what a layer keeps. One file each, and its entry here: that is the whole extension point.

The command line, the programming interface and the page offer whatever this registry holds.
"""

from collections.abc import Generator, Sequence
from typing import Any

from explorer.experiments.backbones import BACKBONES
from explorer.experiments.blend import BLEND
from explorer.experiments.depth import DEPTH
from explorer.experiments.experiment import Experiment, ExperimentError, Result, make_options
from explorer.experiments.invariances import INVARIANCES
from explorer.experiments.leak import LEAK
from explorer.experiments.linear_edit import LINEAR_EDIT
from explorer.experiments.matrix import MATRIX
from explorer.experiments.surgery import SURGERY
from explorer.images import Picture
from explorer.lab.lab import Lab

EXPERIMENTS: dict[str, Experiment[Any]] = {
    entry.name: entry for entry in (SURGERY, INVARIANCES, BLEND, DEPTH, MATRIX, BACKBONES, LEAK, LINEAR_EDIT)
}


def follow_experiment(
    name: str,
    lab: Lab,
    pictures: Sequence[Picture],
    layers: Sequence[str] = (),
    **options: Any,  # noqa: ANN401 - each experiment has its own
) -> Generator[Result, None, None]:
    """Run an experiment, yielding a first result at once and then more complete ones.

    Options that are not given keep their defaults; without layers it takes those that the network offers, and
    a layer named twice is taken once.

    Raises:
        ExplorerError: an unknown name, option or node, or too few or too many pictures.
    """
    if name not in EXPERIMENTS:
        raise ExperimentError(f"There is no experiment '{name}': use {', '.join(EXPERIMENTS)}.")
    experiment = EXPERIMENTS[name]
    chosen = make_options(experiment.options, options)
    check_pictures(experiment, len(pictures))
    # Another network than ResNet-50 offers layers of its own.
    default = lab.layers if experiment.layers else ()
    return experiment.run(lab, pictures, list(dict.fromkeys(layers or default)), chosen)


def run_experiment(
    name: str,
    lab: Lab,
    pictures: Sequence[Picture],
    layers: Sequence[str] = (),
    **options: Any,  # noqa: ANN401
) -> Result:
    """Run an experiment to its end; arguments and errors as `follow_experiment`."""
    *_, last = follow_experiment(name, lab, pictures, layers, **options)
    return last


def check_pictures(experiment: Experiment[Any], count: int) -> None:
    """Raise ExperimentError unless the experiment takes so many pictures."""
    if experiment.pictures is not None and count != experiment.pictures:
        raise ExperimentError(f"{experiment.title} takes {experiment.pictures} pictures, not {count}.")
    if not count:
        raise ExperimentError(f"{experiment.title} needs a picture.")
