"""The commands of `python -m explorer`: one module and one entry in COMMANDS each."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from explorer.commands import (
    benchmark,
    compare,
    explore,
    features,
    quality,
    reconstruct,
    record,
    site,
    space,
    tune,
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `run` returns what goes to stdout and finds in `options.command_line` what repeats it."""

    summary: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], str]


COMMANDS = {
    "reconstruct": Command(
        "bring pictures back from the features of chosen layers", reconstruct.add_arguments, reconstruct.run
    ),
    "features": Command(
        "write the features of a picture to a file, which reconstruct takes",
        features.add_arguments,
        features.run,
    ),
    "explore": Command(
        "experiments on what a layer keeps and what it forgets", explore.add_arguments, explore.run
    ),
    "benchmark": Command("time the layers on this machine", benchmark.add_arguments, benchmark.run),
    "quality": Command(
        "measure how well the optimiser inverts a folder of pictures", quality.add_arguments, quality.run
    ),
    "compare": Command(
        "compare the methods with the loops that users write", compare.add_arguments, compare.run
    ),
    "record": Command("record runs on the examples for the page", record.add_arguments, record.run),
    "site": Command("write the page as files that need no server", site.add_arguments, site.run),
    "space": Command("put the page on a Hugging Face Space", space.add_arguments, space.run),
    "tune": Command("choose settings by trying a grid of them", tune.add_arguments, tune.run),
}
