"""What programs get: plain data, with pictures as data URIs."""

from base64 import b64encode
from dataclasses import asdict
from typing import Any

from explorer.experiments.experiment import Result
from explorer.features.recorded import RecordedFeatures
from explorer.images import encode_jpeg, encode_png
from explorer.lab.lab import Lab
from explorer.lab.methods import METHODS
from explorer.lab.race import Panel
from explorer.lab.run import Reconstruction
from explorer.ui.session.app_state import AppState
from explorer.ui.stage import data_uri


def describe_reconstruction(made: Reconstruction) -> dict[str, Any]:
    """Write a reconstruction, whose `steps` are evaluations, without its scores."""
    return {
        "image": data_uri(encode_png(made.images), "png"),
        "layer": made.layer,
        "method": made.method,
        "steps": made.evaluations,
        "seconds": made.seconds,
        "notice": made.notice,
    }


def describe_panel(panel: Panel, *, is_over: bool) -> dict[str, Any]:
    """Write one moment of a run; one that only waits for its turn is running."""
    state = "running" if panel.state == "stopped" and not is_over else panel.state
    image = data_uri(encode_jpeg(panel.pixels))
    return {"image": image, **asdict(panel.record), "state": state, "notice": panel.notice}


def describe_result(result: Result) -> dict[str, Any]:
    """Write what an experiment has shown and measured so far."""
    return {
        "pictures": [
            {
                "name": one.name,
                "caption": one.caption,
                "layer": one.layer,
                "image": data_uri(encode_png(one.images), "png"),
            }
            for one in result.pictures
        ],
        "results": [dict(row) for row in result.rows],
        "sentences": list(result.sentences),
        "charts": [asdict(chart) for chart in result.charts],
        "is_complete": result.progress >= 1,
    }


def describe_layer(lab: Lab, layer: str) -> dict[str, Any]:
    """Write which methods run from a layer, and why the others do not."""
    reasons = {method: lab.at(layer).unavailable(method) for method in METHODS}
    return {
        "layer": layer,
        "shape": lab.network.shapes[layer],
        "methods": [method for method, reason in reasons.items() if reason is None],
        "unavailable": {method: reason for method, reason in reasons.items() if reason},
    }


def describe_features(recorded: RecordedFeatures, layer: str) -> dict[str, Any]:
    """Write the features of one layer as a file, and what they are."""
    return {
        "file": f"data:application/octet-stream;base64,{b64encode(recorded.pack()).decode('ascii')}",
        "layer": layer,
        "shape": list(recorded.features[layer].shape[1:]),
        "weights": recorded.weights,
        "digest": recorded.digest,
    }


def describe_health(state: AppState) -> dict[str, Any]:
    """Write whether the models are ready, which weights run, and what is wrong if something is."""
    loading = state.loading
    if loading.failure or not loading.is_open:
        return {"is_ready": False, "doing": loading.doing, "failure": loading.failure}
    backbone = loading.lab.backbone
    return {
        "is_ready": loading.is_ready,
        "runs": len(state.queue),
        "doing": loading.doing,
        "weights": backbone.name,
        "digest": backbone.digest,
        "is_fallback": backbone.is_fallback,
        "notice": backbone.notice,
    }
