"""The figure that a training watches: PSNR of its averaged network on a few held-out pictures."""

from collections.abc import Callable
from pathlib import Path

import torch

from explorer.device import CPU
from explorer.images import ImageError, Images, read_picture
from explorer.metrics.functional import psnr
from trainers.data.folders import list_pictures

BATCH = 8


def validation_images(folder: str, count: int, size: int) -> Images:
    """Read a folder's first pictures, in the order of their names; raises ImageError naming a broken one."""
    return torch.cat([_read(path, size) for path in list_pictures(folder)[:count]])


@torch.no_grad()
def validation_psnr(
    reconstruct: Callable[[Images], Images], images: Images, device: torch.device = CPU
) -> float:
    """Compute the mean PSNR in dB of pictures brought back, each in [0, 1]."""
    figures = []
    for batch in images.split(BATCH):
        target = batch.to(device)
        figures.append(psnr(reconstruct(target), target))
    return torch.cat(figures).mean().item()


def _read(path: Path, size: int) -> Images:
    try:
        return read_picture(path, size=size).images
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
