"""The frozen networks that a training runs: one for the features, one for what the loss compares."""

import logging

import torch

from explorer.features.backbone import load_backbone
from explorer.features.layers import join_nodes
from explorer.features.trunk import Trunk, build_trunk
from trainers.config import TrainConfig

logger = logging.getLogger(__name__)


def build_trained_trunk(weights: str, layer: str) -> Trunk:
    """Cut a network at a layer.

    Raises:
        WeightsError: the weights' file cannot be had or read.
    """
    backbone = load_backbone(weights)
    if backbone.notice:
        logger.warning("%s", backbone.notice)
    return build_trunk(backbone.network, layer)


def build_encoders(config: TrainConfig) -> list[Trunk]:
    """Cut each network at all layers whose features the loss compares."""
    nodes = join_nodes(tuple(config.loss.features))
    dtype = torch.bfloat16 if config.uses_bf16 else torch.float32
    return [build_trained_trunk(weights, nodes).cast(dtype) for weights in config.weights] if nodes else []
