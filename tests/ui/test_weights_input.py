"""Weights that a visitor lays down: what is refused before PyTorch reads it, and what runs."""

from pathlib import Path

import httpx
import pytest
import torch
import torchvision

from explorer.examples import load_example
from explorer.images import encode_jpeg, to_pixels
from tests.support.raw import RawPage, error_of, fill_in


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return torchvision.models.resnet18(weights=None).state_dict()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_weights_laid_down_on_the_page_run_beside_the_page_s_network(
    address: str, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    page = RawPage(address)
    torch.save({name: tensor.half() for name, tensor in state.items()}, tmp_path / "mine.pth")
    (tmp_path / "cat.jpg").write_bytes(encode_jpeg(to_pixels(load_example("cat").images)))
    path, picture = (
        httpx.post(f"{page.api}/upload", files={"files": (tmp_path / name).open("rb")}).json()[0]
        for name in ("mine.pth", "cat.jpg")
    )
    page.lay_down("accept", picture, "a teacher")
    page.lay_down("lay_weights", path, "a teacher")
    event = page.event("measure_experiment")
    given = {"Experiment": "backbones", "Networks": "", "Own network": "resnet18"}
    messages = page.send(event, fill_in(page, event, given), session="a teacher")
    assert error_of(messages) is None
    assert "resnet18 mine.pth" in str(messages)
    assert path not in str(messages)
