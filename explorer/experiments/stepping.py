"""Pictures brought back in small steps, so that whoever follows an experiment can stop it in between."""

from collections.abc import Generator
from typing import TypeVar

from explorer.experiments.experiment import Result
from explorer.images import Images, Picture
from explorer.inversion.settings import Settings
from explorer.lab.layer import LayerLab
from explorer.lab.methods import is_iterative

Made = TypeVar("Made")


def bring_back(
    at: LayerLab, picture: Picture, method: str, settings: Settings | None = None
) -> Generator[None, None, Images]:
    """Bring a picture back as `LayerLab.reconstruct` does, pausing after each step of a search."""
    if not is_iterative(method):
        return at.reconstruct(picture, method).images
    run = at.run(picture, method, settings or at.settings(method))
    for _ in run:
        yield
    return run.reconstruction().images


def meanwhile(work: Generator[None, None, Made], so_far: Result) -> Generator[Result, None, Made]:
    """Show what there is so far after each step of some work, and return what it has made."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        yield so_far
