"""Linear decoders of any nodes of any network: those that ship, those fitted here before, or fitted now."""

import hashlib
from collections.abc import Iterator, Sequence

from explorer.cache import find, keep
from explorer.decoders.linear import (
    CROP_SIZES,
    CROPS_PER_SIZE,
    LinearDecoder,
    LinearDecoderError,
    example_batches,
)
from explorer.decoders.linear import RECIPE as CROPS_RECIPE
from explorer.decoders.node_maps import (
    BLOCKS_FILE,
    HELD_OUT,
    MAX_NUMBERS,
    RIDGES,
    JointFit,
    NodeMap,
    load_maps,
    pack_maps,
    unpack_maps,
)
from explorer.features.layers import join_nodes
from explorer.features.nodes import list_blocks
from explorer.lab.lab import Lab

BATCHES = len(CROP_SIZES) * CROPS_PER_SIZE
# Names what else a fit depends on, so that a change there is not answered from the cache.
RECIPE = hashlib.sha256(repr((CROPS_RECIPE, RIDGES, HELD_OUT, MAX_NUMBERS)).encode()).hexdigest()[:8]


class LinearMaps:
    """The maps of some nodes. `fit` has to be walked through first where `is_fitted` is False.

    Without `is_shipped`, only maps fitted on the example pictures are used.
    """

    def __init__(self, lab: Lab, nodes: Sequence[str], *, is_shipped: bool = True) -> None:
        self.device = lab.device
        blocks = list_blocks(lab.backbone.network)
        # Blocks are fitted all together, so that one file serves every choice of them.
        self._nodes = blocks if set(nodes) <= set(blocks) else tuple(nodes)
        # One trunk for all nodes: a single pass serves all of them.
        self.trunk = lab.trunk(join_nodes(self._nodes))
        fingerprint = self.trunk.fingerprint
        self._key = f"maps-{fingerprint}-{RECIPE}"
        self._maps = load_maps(BLOCKS_FILE, fingerprint=fingerprint) if is_shipped else None
        if self._maps is None:
            self._maps = find(self._key, unpack_maps)

    @property
    def is_fitted(self) -> bool:
        """Whether there is nothing to fit."""
        return self._maps is not None

    def fit(self) -> Iterator[float]:
        """Fit all nodes on the example pictures, and keep them on disk; yields the share that is done."""
        fitting, steps = JointFit(self.trunk), BATCHES + len(self._nodes)
        for done, images in enumerate(example_batches(), start=1):
            fitting.add(images.to(self.device))
            yield done / steps
        maps: dict[str, NodeMap] = {}
        for done, node in enumerate(self._nodes, start=1):
            maps[node] = fitting.solve(node)
            yield (BATCHES + done) / steps
        keep(self._key, pack_maps(maps))
        self._maps = maps

    def decoder(self, node: str) -> LinearDecoder:
        """Make one node's decoder.

        Raises:
            LinearDecoderError: the maps have not been fitted yet.
        """
        if self._maps is None:
            raise LinearDecoderError(f"The linear decoder of {node} has not been fitted.")
        return self._maps[node].decoder(node).to(self.device)
