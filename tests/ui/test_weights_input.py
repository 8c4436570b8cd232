"""Weights that a visitor lays down: what is refused before PyTorch reads it, and what runs."""

import zipfile
from pathlib import Path

import gradio as gr
import httpx
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from explorer.examples import load_example
from explorer.images import encode_jpeg, to_pixels
from explorer.ui.components.weights_input import COMPRESSED, OLD_FORMAT, check_weights
from tests.support.raw import RawPage, error_of, fill_in


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return torchvision.models.resnet18(weights=None).state_dict()


def test_files_of_pytorch_and_of_safetensors_pass(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "mine.pth")
    save_file(state, tmp_path / "mine.safetensors")
    for path in tmp_path.iterdir():
        check_weights(path)


def test_a_file_that_unpacks_to_a_multiple_of_its_size_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in plain.namelist():
            bomb.writestr(entry, plain.read(entry))
    assert torch.load(tmp_path / "bomb.pth", weights_only=True)["a"].numel() == 1_000_000
    with pytest.raises(gr.Error, match=COMPRESSED[:30]):
        check_weights(tmp_path / "bomb.pth")


def test_a_plain_pickle_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "code.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")  # Would call os.system.
    with pytest.raises(gr.Error, match="no file of torch") as refusal:
        check_weights(tmp_path / "code.pth")
    assert refusal.value.message == OLD_FORMAT


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
