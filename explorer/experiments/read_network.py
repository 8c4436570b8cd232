"""Networks of which linear decoders read the layers, each loaded aside, and let go but for what they read."""

import gc
from collections import OrderedDict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import torch

from explorer.device import return_freed_memory
from explorer.experiments.experiment import ExperimentError
from explorer.experiments.linear_maps import LinearMaps
from explorer.features.convolutions import keep_ordinary
from explorer.features.reading import read_apart
from explorer.features.weights import count_bytes
from explorer.lab.lab import Lab

# Of networks to look at again, two of ResNet-50's size; others are loaded anew. Weights laid out for the
# processor take as much again: a network that is larger than this alone does without.
KEPT_BYTES = 250_000_000
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ReadNetwork:
    """A network up to its last layer, with the decoders of its own layers."""

    label: str
    layers: tuple[str, ...]
    maps: LinearMaps
    remarks: tuple[str, ...]  # What whoever sees its pictures should know.

    @property
    def nbytes(self) -> int:
        """How much memory its weights take."""
        return sum(weight.nbytes for weight in self.maps.trunk.state_dict().values())


def read(lab: Lab, layers: tuple[str, ...]) -> ReadNetwork:
    """Take of a lab what reading these layers needs.

    Raises:
        ExperimentError: there are none.
    """
    if not layers:
        raise ExperimentError(
            f"{lab.backbone.name} has no maps that divide the picture: name another network."
        )
    # All are fitted on the same pictures, so that nothing but the networks differs.
    maps = LinearMaps(lab, layers, is_shipped=False)
    return ReadNetwork(lab.backbone.name, layers, maps, lab.backbone.remarks)


def load(name: str, weights: str | None, device: torch.device) -> ReadNetwork:
    """Load a network, unless it is one of those looked at last.

    Raises:
        WeightsError: the network is unknown or too large, or its weights cannot be had.
    """
    key = (name, weights, device)
    network = kept.pop(key, None)
    if network is None:
        make_room(count_bytes(name))
        _clear_up()
        network = _load(name, weights, device)
        _clear_up()
    make_room(network.nbytes)
    if network.nbytes <= KEPT_BYTES:
        kept[key] = network
    return network


def make_room(nbytes: int) -> None:
    """Let go of those looked at longest ago, until one of this size can be kept beside the others."""
    while kept and sum(one.nbytes for one in kept.values()) + nbytes > KEPT_BYTES:
        kept.popitem(last=False)


def _clear_up() -> None:
    """Free what nobody holds: the parts of a lab hang together in circles."""
    gc.collect()
    return_freed_memory()


def load_aside(making: Callable[[], ReadNetwork]) -> Generator[None, None, ReadNetwork]:
    """Have a network made on another thread, one at a time, since it may be downloaded; pause meanwhile."""
    loading = _loader.submit(making)
    try:
        while not loading.done():
            wait([loading], LOOK_SECONDS)
            yield
    finally:
        loading.cancel()  # Where nobody waits for it any more, it does not begin.
    return loading.result()


def _load(name: str, weights: str | None, device: torch.device) -> ReadNetwork:
    lab = Lab.load(weights, device, backbone=name, read=read_apart)
    network = read(lab, lab.layers)
    if network.nbytes > KEPT_BYTES:
        keep_ordinary(network.maps.trunk)
    return network


kept = OrderedDict[tuple[str, str | None, torch.device], ReadNetwork]()  # For the loader's thread alone.
_loader = ThreadPoolExecutor(1, "load-network")
