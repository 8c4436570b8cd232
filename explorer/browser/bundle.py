"""Writes the folder from which a browser computes: graphs, weights, runtime, scripts, and a manifest."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.browser.graphs import (
    export_answer,
    export_decoder,
    export_encoders,
    export_evaluation,
    export_lpips,
    export_start,
)
from explorer.browser.runtime import FILES
from explorer.browser.weights import Store, factor_convolutions
from explorer.decoders.checkpoint import CONSISTENT, FAITHFUL, LINEAR, Decoder, shrink_decoder
from explorer.features.graph import TracedNetwork, trace
from explorer.features.layers import join_nodes
from explorer.features.tail import cut_tail
from explorer.features.trunk import cut_trunk
from explorer.images import SIZE
from explorer.inversion.settings import Settings, list_presets, load_settings
from explorer.lab.between import BLOCK_PIXELS, SHARES, list_seconds
from explorer.lab.methods import METHODS, OnePass
from explorer.lab.models import Models
from explorer.metrics.lpips import load_lpips

SCRIPTS = Path(__file__).parent / "script"
MANIFEST = "manifest.json"
CACHE = "explorer-twin"  # What the browser keeps the files under.
VARIANTS = (CONSISTENT, FAITHFUL)  # The best start first; what else there is would take too many megabytes.
SEARCHES = ("optimiser", "hybrid")
HASH_LENGTH = 8
LARGE_KERNEL = 400_000  # Numbers.
KERNEL_DIGITS, OTHER_DIGITS = 6, 9  # Binary ones.

Presets = dict[str, dict[str, dict[str, dict[str, Any]]]]


def write_bundle(models: Models, runtime: Mapping[str, bytes], folder: Path) -> Iterator[str]:
    """Write all that a browser needs to decode and invert by these models; yield each graph's name when done.

    No weight of the network is rounded: half precision at layer1 and layer2 alone turns the gradient at
    layer3 by 7 %. Decoders go as files of the newest format would hold them.
    """
    folder.mkdir()
    network = models.backbone.network
    store, files, graphs = Store(factor_convolutions(network)), {}, {}
    for name, graph in _export(models, trace(network)):
        graphs[name] = {"parts": store.take(name, graph)}
        files[f"{name}.onnx"] = _write(folder, f"{name}.onnx", graph.SerializeToString())
        yield name
    for name, part in store.parts.items():
        users = sum(name in graph["parts"] for graph in graphs.values())
        graphs[name] |= {"entries": part.entries, "isAlone": users == 1}
        files[f"{name}.bin"] = _write(folder, f"{name}.bin", part.deflate())
    files |= {name: _write(folder, name, content) for name, content in runtime.items()}
    for script in SCRIPTS.glob("*.js"):
        (folder / script.name).write_bytes(script.read_bytes())
    categories = models.backbone.categories
    manifest = {
        "files": files,
        "graphs": graphs,
        "runtimes": FILES,
        "categories": categories,
        **describe(models),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def load_light_decoder(models: Models, layer: str, variant: str) -> nn.Module:
    """Load a decoder that `describe` lists, with the weights that go along: deep ones in eight bits."""
    decoder = models.decoder(layer, variant)
    assert decoder is not None  # It is listed.
    return shrink_decoder(decoder) if isinstance(decoder, Decoder) else decoder


def load_light_lpips() -> nn.Module:
    """Load LPIPS with weights of half precision and so few digits that they deflate.

    It differs by .0012 at most from the exact one (15 pictures, each blurred, as fog, grey, with little and
    with much noise).
    """
    model = load_lpips("alex")
    for parameter in model.parameters():
        digits = KERNEL_DIGITS if parameter.numel() > LARGE_KERNEL else OTHER_DIGITS
        mantissa, exponent = torch.frexp(parameter.data)
        parameter.data = torch.ldexp((mantissa * 2**digits).round() / 2**digits, exponent).half().float()
    return model


def list_terms(presets: Presets, layer: str) -> list[str]:
    """Name the objective's terms with a weight in some preset of a layer, the direction first."""
    settings = [methods[method][layer] for methods in presets.values() for method in SEARCHES]
    used = {name for one in settings for name, weight in one["weights"].items() if weight}
    return sorted(used, key=lambda name: (name != "direction", name))


def describe_presets(layers: Sequence[str]) -> Presets:
    """Write every preset's settings as the browser reads them."""
    return {
        preset: {
            method: {layer: _plain(load_settings(layer, method, preset, layers=layers)) for layer in layers}
            for method in SEARCHES
        }
        for preset in list_presets()
    }


def describe(models: Models) -> dict[str, Any]:
    """Tell what the folder offers: layers, decoders, the objective's terms, presets."""
    presets = describe_presets(models.network.layers)
    return {
        "cache": CACHE,
        "layers": list(models.network.layers),
        "decoders": {layer: _variants(models, layer) for layer in models.network.layers},
        "terms": {layer: list_terms(presets, layer) for layer in models.network.layers},
        "presets": presets,
        "seconds": {layer: _list_seconds(models, layer) for layer in models.network.layers},
        "shares": SHARES,
        "blockPixels": BLOCK_PIXELS,
    }


def _export(models: Models, traced: TracedNetwork) -> Iterator[tuple[str, Any]]:
    """Export in the order in which a visitor needs them: what decodes a layer, then what searches."""
    trunk = cut_trunk(traced, join_nodes(models.network.layers))
    with torch.no_grad():
        features = trunk(torch.full((1, 3, SIZE, SIZE), 0.5))
    for layer, encoder in export_encoders(trunk).items():
        yield f"encode-{layer}", encoder
        for variant in _variants(models, layer):
            decoder = load_light_decoder(models, layer, variant)
            yield f"decode-{layer}-{variant}", export_decoder(decoder, layer, features[layer])
    last = models.network.layers[-1]
    yield "answer", export_answer(cut_tail(traced, last), last, features[last])
    yield "lpips", export_lpips(load_light_lpips())
    yield "start", export_start()
    presets = describe_presets(models.network.layers)
    for layer in models.network.layers:
        target: Tensor = features[layer]
        yield (
            f"evaluate-{layer}",
            export_evaluation(cut_trunk(traced, layer), target, list_terms(presets, layer)),
        )


def _variants(models: Models, layer: str) -> list[str]:
    return [variant for variant in VARIANTS if models.ships(layer, variant)] or [LINEAR]


def _list_seconds(models: Models, layer: str) -> list[str]:
    """List the layer's decoders that go along, in the order in which they are asked for a second opinion."""
    asked = [METHODS[name] for name in list_seconds(layer)]
    variants = [one.variant for one in asked if isinstance(one, OnePass)]
    return [variant for variant in variants if variant in _variants(models, layer)]


def _plain(settings: Settings) -> dict[str, Any]:
    kept = ("start", "decay", "first_step", "evaluations")
    weights = {"direction": settings.direction, **settings.priors}
    return {**{name: getattr(settings, name) for name in kept}, "weights": weights}


def _write(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """Write a file; its address has its digest, so that a browser keeps what it has until that changes."""
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()[:HASH_LENGTH]
    return {"address": f"{name}?{digest}", "bytes": len(content)}
