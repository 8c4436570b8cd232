"""What a visitor of the Explore tab asks for, and what has come of it."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.experiments import EXPERIMENTS, follow_experiment
from explorer.experiments.experiment import Result, default_of, knobs
from explorer.experiments.presentation.folder import Run
from explorer.experiments.presentation.python_code import write_code
from explorer.features.backbone import RESNET50, Backbone
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.report.bundle import repeat_command

OWN_PICTURES = ("original.png", "second.png")  # What a visitor's own pictures are called in code and exports.


@dataclass(frozen=True, slots=True)
class Question:
    """One experiment with its pictures, layers and options; `examples` names those that are examples."""

    name: str
    pictures: Sequence[Picture]
    examples: Sequence[str | None]
    layers: Sequence[str]
    options: Mapping[str, Any]

    def follow(self, lab: Lab) -> Generator[Result, None, None]:
        """Run the experiment; arguments are checked before the first result."""
        return follow_experiment(self.name, lab, self.pictures, self.chosen_layers, **self.options)

    @property
    def lacks_layers(self) -> bool:
        """Whether the experiment is on layers, and none is chosen."""
        return bool(EXPERIMENTS[self.name].layers) and not self.layers

    @property
    def chosen_layers(self) -> list[str]:
        """The layers, or none where the experiment has its own."""
        return list(self.layers) if EXPERIMENTS[self.name].layers else []

    def code(self, lab: Lab) -> str:
        """Write Python that repeats the question."""
        return write_code(self.name, self._given(), self.chosen_layers, self._changed(), *_weights(lab))

    def describe(self, lab: Lab) -> Run:
        """Describe the run for an export."""
        words = ["explore", self.name, *self._given()]
        words += ["--layers", ",".join(self.chosen_layers)] if self.chosen_layers else []
        words += [*write_backbone(lab.backbone), "--out", self.name]
        for key, value in self._changed().items():
            words += [f"--{key.replace('_', '-')}", str(value)]
        return Run(
            EXPERIMENTS[self.name],
            self._given(),
            self.chosen_layers,
            self._changed(),
            repeat_command(*words),
            *_weights(lab),
        )

    def _given(self) -> list[str]:
        return [example or own for example, own in zip(self.examples, OWN_PICTURES, strict=False)]

    def _changed(self) -> dict[str, Any]:
        kind = EXPERIMENTS[self.name].options
        offered = knobs(kind)
        return {
            # Where an upload lies on this server is nobody's business.
            name: Path(value).name if offered[name].is_file else value
            for name, value in self.options.items()
            if value != default_of(kind, name)
        }


@dataclass(frozen=True, slots=True)
class Explored:
    """A question and the last answer to it."""

    question: Question
    result: Result

    @property
    def images(self) -> list[Images]:
        """The pictures that it holds."""
        moving = [one for animation in self.result.animations for one in animation.frames]
        given = [picture.images for picture in self.question.pictures]
        return [*given, *(one.images for one in self.result.pictures), *moving]


def write_backbone(backbone: Backbone) -> list[str]:
    """Write the options that name a network and its weights, but not where a file of them lies."""
    named = [] if backbone.architecture == RESNET50 else ["--backbone", backbone.architecture]
    return [*named, "--weights", Path(backbone.source).name]


def _weights(lab: Lab) -> tuple[str, str]:
    """Name the lab's weights, but not where a file of them lies, and the network that they are of."""
    return Path(lab.backbone.source).name, lab.backbone.architecture
