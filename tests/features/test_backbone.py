"""Backbones: where weights come from, what they are called, and errors that name the file."""

import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights, resnet50

from explorer.examples import load_example
from explorer.features.backbone import load_backbone
from explorer.features.layers import LAYERS
from explorer.features.state import State, WeightsError, read_state
from explorer.features.trunk import build_trunk
from explorer.features.weights import count_bytes
from explorer.lab.lab import Lab
from explorer.metrics.scores import Scores
from explorer.weight_files import RESNET50_COMPACT, hub_file


@pytest.fixture
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


def put_into_hub(content: bytes) -> Path:
    path = hub_file(ResNet50_Weights.IMAGENET1K_V1.url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_compact_weights_know_a_cat() -> None:
    backbone = load_backbone("compact")
    logits = build_trunk(backbone.network, "fc")(load_example("cat").images)["fc"]
    assert "cat" in backbone.categories[int(logits.argmax())].lower()


def test_without_cache_and_network_the_copy_runs_within_seconds_and_one_line_says_why(
    empty_hub: Path,
) -> None:
    started = time.monotonic()
    backbone = load_backbone("IMAGENET1K_V1")
    assert time.monotonic() - started < 20
    assert (backbone.name, backbone.source, backbone.is_fallback) == ("resnet50-v1-compact", "compact", True)
    assert backbone.notice is not None
    assert "layer1 and layer2 are exactly" in backbone.notice
    assert "the server cannot be reached" in backbone.notice
    assert str(empty_hub) not in backbone.notice
    assert "\n" not in backbone.notice


def test_a_network_larger_than_what_is_kept_for_one_is_refused_before_it_is_read() -> None:
    assert count_bytes("vgg19") == 143_667_240 * 4
    assert count_bytes("resnext101_64x4d") == 83_455_272 * 4
    with pytest.raises(WeightsError, match="takes 1015 MB, and 680 MB are kept"):
        count_bytes("wide_resnet101_2")


def test_the_copy_asked_for_by_name_is_no_fallback() -> None:
    backbone = load_backbone("compact")
    assert (backbone.name, backbone.source, backbone.is_fallback) == ("resnet50-v1-compact", "compact", False)
    assert load_backbone(backbone.name).digest == backbone.digest


@pytest.mark.slow
def test_a_picture_gives_the_same_figures_with_the_cache_and_without(empty_hub: Path, tmp_path: Path) -> None:
    def measure() -> tuple[dict[str, Scores], str | None]:
        lab = Lab.load()
        picture = load_example("coffee")
        made = {layer: lab.at(layer).reconstruct(picture, "decoder") for layer in LAYERS}
        return {layer: lab.score(picture, one) for layer, one in made.items()}, lab.backbone.digest

    without = measure()
    put_into_hub(RESNET50_COMPACT.locate().read_bytes())
    assert load_backbone().source == "compact"
    assert "cache" in str(load_backbone().notice)
    assert measure() == without
    assert all(scores["lpips"] is not None for scores in without[0].values())


def test_a_file_in_the_cache_that_is_not_torchvisions_is_called_the_users_own(empty_hub: Path) -> None:
    stream = BytesIO()
    torch.save(resnet50().state_dict(), stream)
    put_into_hub(stream.getvalue())
    backbone = load_backbone("IMAGENET1K_V1")
    assert backbone.name == "resnet50-0676ba61.pth (a file of your own)"
    assert backbone.is_fallback
    assert backbone.notice is not None


def test_v2_that_cannot_be_had_is_an_error_and_no_other_network(empty_hub: Path) -> None:
    with pytest.raises(WeightsError, match="IMAGENET1K_V2 of resnet50 are in no cache"):
        load_backbone("IMAGENET1K_V2")


@pytest.fixture
def hub_cache(empty_hub: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[State], Path]:
    """Lays weights out in a Hugging Face cache as `preload_from_hub` does."""
    folder = empty_hub / "huggingface"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))

    def put(state: State) -> Path:
        repository = folder / "models--timm--resnet50.tv_in1k"
        blob, snapshot = repository / "blobs" / "0123", repository / "snapshots" / "abcd"
        for path in (blob.parent, snapshot, repository / "refs"):
            path.mkdir(parents=True)
        (repository / "refs" / "main").write_text("abcd")
        save_file(state, blob)
        (snapshot / "model.safetensors").symlink_to(blob)
        return snapshot / "model.safetensors"

    return put


def test_the_exact_weights_are_found_in_the_hugging_face_cache(hub_cache: Callable[[State], Path]) -> None:
    # The copy stands in for the exact file, of which it is a part; what tells V1 is in that part.
    hub_cache({name: tensor.float().clone() for name, tensor in compact_state().items()})
    backbone = load_backbone("IMAGENET1K_V1")
    assert (backbone.name, backbone.digest) == ("IMAGENET1K_V1", "0676ba61")
    assert (backbone.source, backbone.is_fallback, backbone.notice) == ("IMAGENET1K_V1", False, None)


def test_other_weights_in_the_hugging_face_cache_are_passed_over_and_logged(
    hub_cache: Callable[[State], Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = hub_cache(resnet50().state_dict())
    assert load_backbone("IMAGENET1K_V1").name == "resnet50-v1-compact"
    assert any(str(path) in message for message in caplog.messages)


def compact_state() -> State:
    return read_state(RESNET50_COMPACT.locate())


def test_untrained_network_is_the_same_every_time_and_leaves_the_global_seed() -> None:
    torch.manual_seed(7)
    first = load_backbone("untrained").network.state_dict()
    after = torch.rand(1)
    torch.manual_seed(8)
    second = load_backbone("untrained").network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))


def test_chosen_untrained_network_is_no_fallback() -> None:
    backbone = load_backbone("untrained")
    assert not backbone.is_fallback
    assert backbone.notice is None


def test_a_file_of_weights_loads_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    network = resnet50()
    torch.save(network.state_dict(), path)
    backbone = load_backbone(str(path))
    assert backbone.name == "mine.pth (a file of your own)"
    assert backbone.source == str(path)
    assert backbone.digest is not None
    assert torch.equal(backbone.network.state_dict()["conv1.weight"], network.state_dict()["conv1.weight"])


@pytest.mark.parametrize("length", [0, 100, 10_000])
def test_truncated_file_is_an_error_that_names_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"weight": torch.zeros(10_000)}, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match=r"cut\.pth is damaged.* Name a state dict"):
        load_backbone(str(path))


@pytest.mark.parametrize(
    "content", [b"hello world\n" * 9, b"\x1f\x8b\x08 zipped", b"\xff\xd8\xff\xe0 a photo"]
)
def test_file_of_another_kind_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"foreign\.pth is damaged"):
        load_backbone(str(path))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0676ba61\nsize 102530333\n"
DAMAGED = [b"", POINTER, RESNET50_COMPACT.locate().read_bytes()[:100_000]]


@pytest.mark.parametrize("content", DAMAGED, ids=["empty", "pointer", "cut short"])
def test_a_damaged_file_in_the_hub_cache_is_passed_over_with_a_line(
    empty_hub: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = put_into_hub(content)
    backbone = load_backbone("IMAGENET1K_V1")
    assert (backbone.source, backbone.is_fallback) == ("compact", True)
    assert backbone.notice is not None
    assert f"{path.name} in the weights cache is damaged" in backbone.notice
    assert f"{path} is passed over: {path.name} is damaged" in caplog.text


def test_behind_a_damaged_file_the_hugging_face_cache_is_looked_into(
    hub_cache: Callable[[State], Path],
) -> None:
    put_into_hub(POINTER)
    hub_cache(compact_state())
    backbone = load_backbone("IMAGENET1K_V1")
    assert (backbone.name, backbone.is_fallback) == ("IMAGENET1K_V1", False)


def test_a_damaged_file_in_the_hugging_face_cache_is_passed_over(
    hub_cache: Callable[[State], Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = hub_cache(compact_state())
    path.write_bytes(POINTER)
    assert load_backbone("IMAGENET1K_V1").source == "compact"
    assert f"{path} is passed over" in caplog.text


@pytest.mark.parametrize("state", [{"weight": torch.zeros(1)}, {}])
def test_file_of_another_network_is_an_error_that_says_what_is_missing(tmp_path: Path, state: dict) -> None:
    path = tmp_path / "other.pth"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"other\.pth holds the weights of another network.*conv1\.weight"):
        load_backbone(str(path))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([1, 2, 3], "a list, not a dict"),
        ({"state_dict": {}}, "a dict by the name 'state_dict'"),
        ({1: torch.zeros(1)}, "a name that is no text"),
    ],
)
def test_file_that_holds_more_than_weights_by_name_is_an_error_that_says_what(
    tmp_path: Path, content: object, found: str
) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=rf"other\.pth holds {found}"):
        load_backbone(str(path))


def test_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(WeightsError, match="IMAGENET1K_V2"):
        load_backbone("IMAGENET9K")
