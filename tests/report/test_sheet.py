"""The contact sheet keeps every pixel, and captions each picture with its own numbers."""

import numpy as np
import pytest
import torch

from explorer.examples import load_example
from explorer.images import Picture
from explorer.metrics.scores import Scores
from explorer.report.sheet import contact_sheet, layer_panel, original_panel
from explorer.report.style import layer_style


@pytest.fixture
def picture() -> Picture:
    return load_example("cat", size=64)


def test_a_caption_gives_each_metric_with_its_unit_and_a_dash_for_a_missing_one(picture: Picture):
    scores = Scores({"psnr_db": 20.456, "ssim": 0.5, "top5_agreement": 0.6}, {"lpips": "no weights"})
    panel = layer_panel(picture.images, "layer2", "decoder", scores)
    assert panel.lines[0] == "layer2 · decoder"
    said = " · ".join(panel.lines[1:]).split(" · ")
    assert said[:3] == ["PSNR 20.46 dB", "SSIM 0.500", "LPIPS –"]
    assert "top-5 shared 60 %" in said


def test_a_sheet_shows_every_picture_pixel_for_pixel(picture: Picture):
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    made = layer_panel(noise, "layer3", "optimiser", Scores({"psnr_db": 20.5}))
    sheet = np.asarray(contact_sheet([original_panel(picture.images, "cat"), made]))
    for panel in (original_panel(picture.images, "cat"), made):
        window = np.lib.stride_tricks.sliding_window_view(sheet, (64, 64, 3))
        assert (window == np.asarray(panel.image)).all(axis=(3, 4, 5)).sum() == 1
    assert (sheet == tuple(bytes.fromhex(layer_style("layer3").colour[1:]))).all(axis=2).any()


def test_a_sheet_of_many_layers_wraps_and_long_names_stay_in_their_column(picture: Picture):
    panels = [original_panel(picture.images, "a name far longer than its picture is wide.jpeg")] * 7
    sheet = contact_sheet(panels)
    assert sheet.width == 5 * (64 + 16) + 16
    gap = np.asarray(sheet)[:, 16 + 64 : 16 + 64 + 16]
    assert (gap == 255).all()
