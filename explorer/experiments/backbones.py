"""Trained, or just the architecture? The same picture through several networks, read by linear decoders."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
import torchvision.models
from torchvision.models import list_models

from explorer.experiments.experiment import Experiment, ExperimentError, Result, Row, Shown, option
from explorer.experiments.linear_maps import LinearMaps
from explorer.experiments.measuring import mean_of
from explorer.features.backbone import RESNET50, check_size, check_weights_name
from explorer.features.reading import read_apart
from explorer.features.state import WeightsError
from explorer.images import Picture, quantise
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr
from explorer.metrics.scores import measure
from explorer.report.charts import Chart, Line

MAX_NETWORKS = KEPT_LABS = 3


@dataclass(frozen=True, slots=True)
class BackbonesOptions:
    """Which networks stand beside the lab's own."""

    networks: str = option(
        "IMAGENET1K_V2,untrained",
        "networks beside the one that is loaded: weights of ResNet-50, names of torchvision's networks, or "
        "NAME:WEIGHTS, as in vgg16,resnet18:untrained",
    )
    own_weights: str = option(
        "", "a state dict of your own beside them, as .pth or .safetensors", is_file=True
    )
    own_network: str = option(RESNET50, "torchvision's name of the network that your own weights are of")


@dataclass(frozen=True, slots=True)
class _Network:
    """One network that is looked at, with the decoders of its own layers."""

    label: str
    lab: Lab
    layers: tuple[str, ...]
    maps: LinearMaps


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: BackbonesOptions
) -> Generator[Result, None, None]:
    """Yield every network's pictures; a network whose weights cannot be had is named and left out.

    `layers` are those of the lab's own network; the others offer theirs.
    """
    originals = [Shown(f"{one.name}-original", "original", one.images) for one in pictures]
    yield Result(originals, progress=0.0, doing="Loading the networks …")
    found, missing = _load(lab, layers, options)
    shown, rows = list(originals), list[Row]()
    for done, network in enumerate(found):
        if not network.maps.is_fitted:
            for share in network.maps.fit():
                doing = f"Fitting the linear decoders of {network.label} …"
                yield Result(shown, rows, progress=(done + 0.9 * share) / len(found), doing=doing)
        for picture in pictures:
            pictured, measured = _bring_back(network, picture)
            shown += pictured
            rows += measured
        yield Result(shown, rows, _draw(rows), missing, progress=(done + 0.95) / len(found), doing="…")
    yield Result(shown, rows, _draw(rows), [*missing, *_describe(rows)])


def _load(lab: Lab, layers: Sequence[str], options: BackbonesOptions) -> tuple[list[_Network], list[str]]:
    """Make every network that can be had; say of others that they cannot, and what a file did not hold."""
    own = tuple(layers) or lab.layers
    found, missing = [_Network(lab.backbone.name, lab, own, _fit(lab, own))], list[str]()
    parts = [part.strip() for part in options.networks.split(",") if part.strip()]
    if len(parts) > MAX_NETWORKS:
        raise ExperimentError(f"{MAX_NETWORKS} networks stand beside this one at most, not {len(parts)}.")
    loads = [partial(_load_named, part, lab.device) for part in parts]
    if options.own_weights:
        loads.append(partial(_load_lab, options.own_network, options.own_weights, lab.device))
    for load in loads:
        try:
            other = load()
        except WeightsError as error:
            missing.append(str(error))
            continue
        missing += other.backbone.remarks
        found.append(_Network(other.backbone.name, other, other.layers, _fit(other, other.layers)))
    return found, missing


def _fit(lab: Lab, layers: tuple[str, ...]) -> LinearMaps:
    if not layers:
        raise ExperimentError(
            f"{lab.backbone.name} has no maps that divide the picture: name another network."
        )
    # All are fitted on the same pictures, so that nothing but the networks differs.
    return LinearMaps(lab, layers, is_shipped=False)


def _load_named(entry: str, device: torch.device) -> Lab:
    """Load a network by names alone: what a visitor writes must not open files."""
    name, weights = _parse(entry)
    if weights:
        check_weights_name(name, weights)
    return _load_lab(name, weights, device)


def _parse(entry: str) -> tuple[str, str | None]:
    """Split NAME:WEIGHTS; a word alone is a network's name, or else weights of ResNet-50."""
    name, _, weights = entry.partition(":")
    if weights:
        return name, weights
    return (name, None) if name in list_models(module=torchvision.models) else (RESNET50, name)


@lru_cache(maxsize=KEPT_LABS)
def _load_lab(name: str, weights: str | None, device: torch.device) -> Lab:
    check_size(name)
    return Lab.load(weights, device, backbone=name, read=read_apart)


@torch.no_grad()
def _bring_back(network: _Network, picture: Picture) -> tuple[list[Shown], list[Row]]:
    original = picture.images.to(network.lab.device)
    features = network.maps.trunk(original)
    images = [network.maps.decoder(layer)(features) for layer in network.layers]
    batch = quantise(torch.cat(images))
    scores = measure({"pictures": [(batch, quantise(original).expand_as(batch))]})
    shown, rows = list[Shown](), list[Row]()
    for layer, made, one in zip(network.layers, images, scores, strict=True):
        stride = original.shape[-1] // features[layer].shape[-1]
        db = float(psnr(made, original))
        name = f"{picture.name}-{network.label}-{layer}".replace("/", "-").replace(" ", "-")
        shown.append(Shown(name, f"{network.label} · {layer} · {db:.1f} dB", made, layer))
        rows.append(
            {
                "image": picture.name,
                "network": network.label,
                "layer": layer,
                "stride": stride,
                **one.finite().values,
            }
        )
    return shown, rows


def _draw(rows: Sequence[Row]) -> list[Chart]:
    """Draw PSNR and LPIPS of each network over the side of its cells."""
    networks = dict.fromkeys(str(row["network"]) for row in rows)
    charts = []
    for key, title in (("psnr_db", "PSNR (dB), higher is better"), ("lpips", "LPIPS, lower is better")):
        lines = []
        for name in networks:
            strides = sorted({int(row["stride"] or 0) for row in rows if row["network"] == name})
            values = [mean_of(rows, key, network=name, stride=stride) for stride in strides]
            lines.append(Line(name, strides, values))
        charts.append(Chart(title, "pixels by side below one cell", title, lines, is_log_x=True))
    return charts


def _describe(rows: Sequence[Row]) -> list[str]:
    sentences = []
    for name in dict.fromkeys(str(row["network"]) for row in rows):
        layers = dict.fromkeys(str(row["layer"]) for row in rows if row["network"] == name)
        values = [mean_of(rows, "psnr_db", network=name, layer=layer) or 0.0 for layer in layers]
        sentences.append(
            f"{name}: " + ", ".join(f"{value:.1f}" for value in values) + " dB, shallow to deep."
        )
    return sentences


BACKBONES = Experiment(
    name="backbones",
    title="Trained, or just the architecture?",
    explanation=(
        "The same picture goes through several networks, and linear decoders fitted alike read each of them. "
        "What an untrained network keeps, too, is owed to the architecture, and the rest to training."
    ),
    options=BackbonesOptions,
    run=run,
    layers=(),
)
