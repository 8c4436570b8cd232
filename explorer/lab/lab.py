"""The lab: one picture's experiments on the shared models. No Gradio, no printing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.device import CPU
from explorer.features.backbone import RESNET50, Backbone, load_backbone
from explorer.features.network import Network
from explorer.features.recorded import RecordedFeatures
from explorer.features.state import State, read_state
from explorer.features.trunk import Trunk
from explorer.images import Picture
from explorer.inversion.settings import Settings
from explorer.lab.layer import LayerLab, Source
from explorer.lab.methods import METHODS, is_iterative
from explorer.lab.models import Models
from explorer.lab.race import Race
from explorer.lab.run import Reconstruction
from explorer.lab.scorer import Scorer
from explorer.lab.workers import count_workers
from explorer.metrics.recognition import Prediction
from explorer.metrics.scores import Scores


class Lab:
    """Experiments on one backbone; pictures are passed in and never kept, so visitors cannot mix."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.scorer = Scorer(models)

    @classmethod
    def load(
        cls,
        weights: str | None = None,
        device: torch.device = CPU,
        tell: Callable[[str], None] = lambda _: None,
        *,
        backbone: str = RESNET50,
        read: Callable[[Path], State] = read_state,
    ) -> "Lab":
        """Load a network of torchvision, by weight name or file (default: its first); as `load_backbone`.

        `tell` hears how far a download is, and later how far the fit of a linear decoder is.
        """
        found = load_backbone(weights, tell, architecture=backbone, read=read)
        return cls(Models(found, device, tell=tell))

    @property
    def backbone(self) -> Backbone:
        """The network that is inverted."""
        return self.models.backbone

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.models.device

    @property
    def network(self) -> Network:
        """What the network offers."""
        return self.models.network

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the network offers, shallow ones first."""
        return self.network.layers

    def at(self, layer: str, *, passes: int = DEFAULT_PASSES) -> LayerLab:
        """Return what can be done with one layer, or with a joined set of nodes.

        ``passes`` is how often its method `refined` looks again at its picture.
        """
        return LayerLab(self.models, layer, passes)

    def prepare(self) -> None:
        """Build the trunks that inverting and scoring the layers takes, so that no run waits for one."""
        for nodes in (self.scorer.nodes, *self.layers):
            self.models.trunk(nodes)
        for layer in map(self.at, self.layers):
            for method in filter(is_iterative, list(METHODS)):
                layer.optimised_trunk(layer.settings(method))

    def trunk(self, nodes: str) -> Trunk:
        """Return the frozen trunk that stops at these nodes, built on first use."""
        return self.models.trunk(nodes)

    def record(self, picture: Picture, layers: Sequence[str] = ()) -> RecordedFeatures:
        """Compute the features of a picture at some nodes (default: the network's layers), to be written.

        Raises:
            UnknownNodeError: the network has no such node.
        """
        nodes = list(layers) or list(self.layers)
        features = {node: self.at(node).encode(picture)[node] for node in nodes}
        prints = {node: self.trunk(node).fingerprint for node in nodes}
        return RecordedFeatures(
            picture.name,
            features,
            picture.size,
            self.backbone.name,
            self.backbone.digest,
            prints,
            self.backbone.normalisation,
        )

    def go_on(self, recorded: RecordedFeatures, layer: str) -> Prediction | None:
        """Name the class that the network comes to from recorded features; None where it has none to name.

        Raises:
            FeaturesError: they are of another network.
        """
        features = self.at(layer).encode(recorded)
        if len(features) > 1 or not (self.backbone.is_trained and self.backbone.categories):
            return None
        return self.scorer.name_classes(self.at(layer).continue_from(features))[0]

    def race(self, picture: Source, settings: Mapping[str, Settings], *, method: str = "optimiser") -> Race:
        """Set up the layers that have settings to be inverted side by side, without a step taken yet."""
        runs = {layer: self.at(layer).run(picture, method, chosen) for layer, chosen in settings.items()}
        return Race(runs, method=method, workers=count_workers(len(runs), self.device))

    def score(self, picture: Source, reconstruction: Reconstruction) -> Scores:
        """Measure a reconstruction by every metric; one that cannot be had is None with its reason."""
        if isinstance(picture, RecordedFeatures):
            target = self.at(reconstruction.layer).encode(picture)
            return self.scorer.score_by_features(reconstruction.images, target, reconstruction.layer)
        return self.scorer.score(reconstruction.images, picture.images, reconstruction.layer)
