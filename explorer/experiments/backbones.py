"""Trained, or just the architecture? The same picture through several networks, read by linear decoders."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torchvision.models
from torchvision.models import list_models

from explorer.experiments.experiment import Experiment, ExperimentError, Result, Row, Shown, option
from explorer.experiments.measuring import mean_of
from explorer.experiments.read_network import ReadNetwork, load, load_aside, read
from explorer.experiments.stepping import meanwhile
from explorer.features.state import WeightsError
from explorer.features.weights import RESNET50, check_weights_name
from explorer.images import Picture, quantise
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr
from explorer.metrics.scores import measure
from explorer.report.charts import Chart, Line

MAX_NETWORKS = 3
LOADING = "Loading the networks …"


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


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: BackbonesOptions
) -> Generator[Result, None, None]:
    """Yield every network's pictures; a network whose weights cannot be had is named and left out.

    `layers` are those of the lab's own network; the others offer theirs.
    """
    shown = [Shown(f"{one.name}-original", "original", one.images) for one in pictures]
    rows, missing = list[Row](), list[str]()
    yield Result(shown, progress=0.0, doing=LOADING)
    loads = _list_loads(lab, layers, options)
    for done, making in enumerate(loads):
        so_far = partial(Result, shown, rows, _draw(rows) if rows else (), missing)
        try:
            network = yield from meanwhile(
                load_aside(making), so_far(progress=done / len(loads), doing=LOADING)
            )
        except WeightsError as error:
            missing.append(str(error))
            continue
        missing += network.remarks if done else ()  # Of the lab's own network the page tells.
        doing = f"Fitting the linear decoders of {network.label} …"
        for share in () if network.maps.is_fitted else network.maps.fit():
            yield so_far(progress=(done + 0.9 * share) / len(loads), doing=doing)
        for picture in pictures:
            pictured, measured = _bring_back(network, picture)
            shown += pictured
            rows += measured
            yield Result(shown, rows, _draw(rows), missing, progress=(done + 0.95) / len(loads), doing="…")
        del network  # Before the next one is loaded.
    yield Result(shown, rows, _draw(rows), [*missing, *_describe(rows)])


def _list_loads(
    lab: Lab, layers: Sequence[str], options: BackbonesOptions
) -> list[Callable[[], ReadNetwork]]:
    """List what makes each network; one that cannot be had raises WeightsError then."""
    parts = [part.strip() for part in options.networks.split(",") if part.strip()]
    if len(parts) > MAX_NETWORKS:
        raise ExperimentError(f"{MAX_NETWORKS} networks stand beside this one at most, not {len(parts)}.")
    loads = [partial(read, lab, tuple(layers) or lab.layers)]
    loads += [partial(_load_named, part, lab.device) for part in parts]
    if options.own_weights:
        loads.append(partial(load, options.own_network, options.own_weights, lab.device))
    return loads


def _load_named(entry: str, device: torch.device) -> ReadNetwork:
    """Load a network by names alone: what a visitor writes must not open files."""
    name, weights = _parse(entry)
    if weights:
        check_weights_name(name, weights)
    return load(name, weights, device)


def _parse(entry: str) -> tuple[str, str | None]:
    """Split NAME:WEIGHTS; a word alone is a network's name, or else weights of ResNet-50."""
    name, _, weights = entry.partition(":")
    if weights:
        return name, weights
    return (name, None) if name in list_models(module=torchvision.models) else (RESNET50, name)


@torch.no_grad()
def _bring_back(network: ReadNetwork, picture: Picture) -> tuple[list[Shown], list[Row]]:
    original = picture.images.to(network.maps.device)
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
    question="Is it training, or just the architecture?",
    run=run,
    layers=(),
)
