"""What one training step learns from."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from explorer.images import Images

Maps = Float[Tensor, "batch channels rows columns"]


@dataclass(frozen=True, slots=True)
class Example:
    """What one step learns from: the network's input, the picture that it adds to (or 0), and the target."""

    inputs: Maps
    picture: Images | Float[Tensor, ""]
    target: Images
