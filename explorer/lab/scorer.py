"""The scorer: how alike two pictures are by every metric, and what the network says of one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.models import ResNet50_Weights

from explorer.errors import MetricUnavailable
from explorer.features.layers import join_nodes, split_nodes
from explorer.features.trunk import Features
from explorer.images import Images, quantise
from explorer.lab.models import NO_CLASSIFIER, Models
from explorer.metrics.chance import pair_errors
from explorer.metrics.functional import TOP
from explorer.metrics.recognition import Opinions, Prediction, Recogniser
from explorer.metrics.scores import METRICS, Kind, Pair, Scores, measure

# The network that no optimiser and no training here ever sees: one for the process, loaded on first use.
RECOGNISER = Recogniser()
NO_ORIGINAL = "There is no original picture to compare with: features alone were given."
# Its classes, in the order of every network that torchvision trained.
CATEGORIES: tuple[str, ...] = tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])


class Scorer:
    """Measures pictures with every metric and asks the network for its opinion.

    Exactly the 8-bit pixels that a file would keep are measured.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    @torch.no_grad()
    def compare(self, images: Images, original: Images) -> Scores:
        """Compare two pictures, each 1 x 3 x H x W, by the metrics that take no layer."""
        images, original = self._place(images), self._place(original)
        output = self._models.network.output
        return self._compare(images, original, self._look(images)[output], self._look(original)[output])[0]

    def score(self, images: Images, original: Images, layer: str) -> Scores:
        """Compare a reconstruction with the original, and their features at the layer it came from."""
        return self.score_all([(layer, images)], original)[0]

    @torch.no_grad()
    def score_all(self, made: Sequence[tuple[str, Images]], original: Images) -> list[Scores]:
        """Score reconstructions of one picture, each 1 x 3 x H x W after the layer that it came from.

        All go through the network together, and one that stands there for several layers is measured once.
        """
        distinct = {id(images): images for _, images in made}
        rows = {key: row for row, key in enumerate(distinct)}
        images, original = self._place(torch.cat(list(distinct.values()))), self._place(original)
        layers = {layer for layer, _ in made}
        reached, target = self._look(images, layers), self._look(original, layers)
        output = self._models.network.output
        scores = self._compare(images, original, reached[output], target[output])
        return [
            self._against_chance(scores[row] | _compare_features(reached, target, layer, row), layer)
            for layer, row in ((layer, rows[id(images)]) for layer, images in made)
        ]

    @torch.no_grad()
    def score_by_features(self, images: Images, target: Features, layer: str) -> Scores:
        """Score a reconstruction by features alone, of a picture that is not at hand: 1 x 3 x H x W.

        The network's answer is compared with the one that it comes to from the features themselves.
        """
        images = self._place(images)
        reached = self._look(images, [layer])
        missing: dict[Kind, str] = {"pictures": NO_ORIGINAL, "opinions": NO_ORIGINAL}
        pairs: dict[Kind, list[Pair]] = {
            "features": [(reached[node], target[node]) for node in split_nodes(layer)]
        }
        if not self._models.backbone.categories:
            missing["logits"] = NO_CLASSIFIER
        elif len(target) > 1:
            missing["logits"] = "The network goes on from one node at a time, so it has no answer to compare."
        else:
            answer = self._models.tail(layer)(target[layer])
            pairs["logits"] = [(reached[self._models.network.output], answer)]
        return self._against_chance(measure(pairs, missing)[0], layer)

    def _against_chance(self, scores: Scores, layer: str) -> Scores:
        """Add how many random pairs of photos lie farther apart than the features that were compared."""
        if layer not in pair_errors().errors:
            return scores
        fingerprint = self._models.trunk(layer).fingerprint
        known = pair_errors().count_farther(layer, fingerprint, scores["feature_error"])
        return replace(scores, farther_pairs=known)

    @torch.no_grad()
    def measure(self, key: str, images: Images, original: Images) -> float | None:
        """Compute one metric of two pictures alone; None where it cannot be had."""
        try:
            return float(METRICS[key].compute(self._place(images), self._place(original)))
        except MetricUnavailable:
            return None

    @torch.no_grad()
    def predictions(self, images: Images) -> list[Prediction]:
        """Name the five classes that the network itself finds likeliest in a picture, best first.

        An empty list where its weights come without a classifier.
        """
        if not self._models.backbone.categories:
            return []
        logits = self._look(self._place(images))[self._models.network.output]
        return self.name_classes(logits)

    def name_classes(self, logits: Float[Tensor, "1 classes"]) -> list[Prediction]:
        """Name the five likeliest classes of an answer that the network has come to, best first."""
        return _name_best(logits.softmax(dim=1), self._models.backbone.categories)

    def independent_predictions(self, images: Images) -> list[Prediction]:
        """Name the five classes that the independent network finds likeliest in a picture, best first."""
        return _name_best(RECOGNISER(self._place(images)), CATEGORIES)

    @property
    def nodes(self) -> str:
        """What scoring looks at: one pass to the end gives the features of every layer on the way."""
        return join_nodes((*self._models.network.layers, self._models.network.output))

    def _compare(
        self,
        images: Images,
        original: Float[Tensor, "1 3 height width"],
        logits: Float[Tensor, "batch classes"],
        original_logits: Float[Tensor, "1 classes"],
    ) -> list[Scores]:
        """Compare a batch of pictures with one original, and what two networks say of them."""
        others, original_others = RECOGNISER(images), RECOGNISER(original)
        backbone = self._models.backbone
        measured = measure(
            {
                "pictures": [(images, original.expand_as(images))],
                "logits": [(logits, original_logits.expand_as(logits))],
                "opinions": [(others, original_others.expand_as(others))],
            },
            missing={} if backbone.categories else {"logits": NO_CLASSIFIER},
        )
        if not backbone.is_trained:  # An untrained network says nothing of any picture.
            return measured
        (reference,) = self._opinions(original_logits, original_others)
        seen = self._opinions(logits, others)
        return [
            replace(scores, seen=opinions, seen_in_original=reference)
            for scores, opinions in zip(measured, seen, strict=True)
        ]

    def _opinions(
        self, logits: Float[Tensor, "batch own_classes"], others: Float[Tensor, "batch other_classes"]
    ) -> list[Opinions]:
        """Name what each network finds likeliest in each picture."""
        own = logits.softmax(dim=1)
        categories = self._models.backbone.categories
        return [
            Opinions(_name_best(mine[None], categories)[0], _name_best(theirs[None], CATEGORIES)[0])
            for mine, theirs in zip(own, others, strict=True)
        ]

    def _place(self, images: Images) -> Images:
        """Move pictures to the lab's device and round them to 8 bits."""
        return quantise(self._models.place(images))

    def _look(self, images: Images, layers: Collection[str] = ()) -> Features:
        """Compute the logits and the features at the network's layers, and at further nodes if asked for."""
        features = self._models.trunk(self.nodes)(images)
        for layer in layers:
            if not features.keys() >= set(split_nodes(layer)):
                features |= self._models.trunk(layer)(images)
        return features


def _name_best(probabilities: Float[Tensor, "1 classes"], categories: Sequence[str]) -> list[Prediction]:
    best = probabilities[0].topk(min(TOP, probabilities.shape[1]))
    return [
        Prediction(categories[int(index)], float(value))
        for value, index in zip(best.values, best.indices.tolist(), strict=True)
    ]


def _compare_features(
    reached: Features, target: Mapping[str, Float[Tensor, "1 ..."]], layer: str, row: int
) -> Scores:
    """Compare one picture's features at the nodes of one layer."""
    pairs = [(reached[node][row : row + 1], target[node]) for node in split_nodes(layer)]
    return measure({"features": pairs})[0]
