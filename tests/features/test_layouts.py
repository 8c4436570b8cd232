"""Check-points as trainings leave them: ten layouts that load, and as many files that end in one line."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import resnet18

from explorer.features.backbone import load_backbone
from explorer.features.layouts import find_head
from explorer.features.reading import read_apart
from explorer.features.state import State, WeightsError, is_safetensors, read_state

Content = dict[str, Any]


def make_network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return resnet18()


STATE: State = make_network().state_dict()
TEN: State = {**STATE, "fc.weight": torch.ones(10, 512), "fc.bias": torch.zeros(10)}
TRUNK: State = {name: held for name, held in STATE.items() if not name.startswith("fc.")}


def behind(prefix: str, state: State = STATE) -> State:
    return {prefix + name: held for name, held in state.items()}


def other(state: State = STATE) -> State:
    return {name: held + 1 if held.is_floating_point() else held for name, held in state.items()}


def sequential_head() -> State:
    return TRUNK | {"fc.1.weight": STATE["fc.weight"], "fc.1.bias": STATE["fc.bias"]}


# Each with what is said of it, and how many classes it has.
LAYOUTS: dict[str, tuple[Content, str, int]] = {
    "as torchvision saves it": (dict(STATE), "", 1000),
    "of several GPUs": (behind("module."), "behind 'module.'", 1000),
    "compiled, of several GPUs": (behind("_orig_mod.module."), "behind '_orig_mod.module.'", 1000),
    "of Lightning": (
        {"state_dict": behind("model."), "epoch": 3, "hyper_parameters": Namespace(lr=0.1)},
        "behind 'state_dict.model.'", 1000,
    ),
    "of torchvision's training": (
        {"model": other(), "model_ema": behind("module."), "args": Namespace(lr=0.1), "epoch": 3},
        "behind 'model_ema.module.'. Left out of it: model.", 1000,
    ),
    "of robust training": (
        {"model": {"module.normalizer.new_mean": torch.zeros(3), **behind("module.model."),
                   **behind("module.attacker.model.", other())}},
        "Left out of it: model.module.normalizer, model.module.attacker.", 1000,
    ),
    "of MoCo": (
        {"state_dict": behind("module.encoder_q.", TRUNK) | behind("module.encoder_k.", other(TRUNK))},
        "It has no classifier", 0,
    ),
    "of DINO": (
        {"student": behind("module.backbone.", other(TRUNK)), "teacher": behind("backbone.", TRUNK)},
        "behind 'teacher.backbone.'. It has no classifier", 0,
    ),
    "of ten classes": (behind("model.", TEN), "behind 'model.'", 10),
    "with a classifier of several parts": (sequential_head(), "Its classifier is 'fc.1'.", 1000),
    "without counters, in half precision": (
        {name: held.half() for name, held in STATE.items() if "num_batches" not in name}, "", 1000,
    ),
    "in bfloat16": ({name: held.bfloat16() for name, held in STATE.items()}, "", 1000),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_check_points_of_every_usual_layout_load(tmp_path: Path, layout: str) -> None:
    content, said, classes = LAYOUTS[layout]
    torch.save(content, tmp_path / "mine.tar")
    backbone = load_backbone(str(tmp_path / "mine.tar"), architecture="resnet18")
    loaded = backbone.network.state_dict()
    tolerance = 0.02 if layout.endswith(("half precision", "bfloat16")) else 0
    for name, held in TRUNK.items():
        if "num_batches" not in name:
            torch.testing.assert_close(loaded[name], held, atol=tolerance, rtol=tolerance)
    assert said in (backbone.notice or "")
    assert bool(said) == bool(backbone.notice)
    assert len(backbone.categories) == classes
    if classes:
        assert len(loaded["fc.bias"]) == classes


def with_value(name: str, value: float) -> State:
    wrong = STATE[name].clone()
    wrong.view(-1)[0] = value
    return STATE | {name: wrong}


BROKEN: dict[str, tuple[object, str]] = {
    "NaN": (
        with_value("layer2.0.conv1.weight", float("nan")),
        r"layer2\.0\.conv1\.weight holds values that are infinite",
    ),
    "infinite": (behind("module.", with_value("fc.bias", float("inf"))), r"module\.fc\.bias holds values"),
    "a variance below zero": (with_value("bn1.running_var", -1.0), r"bn1\.running_var holds variances below"),
    "too large": (STATE | {"bn1.weight": torch.full((64,), 3e38)}, "features are infinite"),
    "a layer is missing": (
        {name: held for name, held in STATE.items() if not name.startswith("layer4.1")},
        r"another network than resnet18 \(it lacks layer4\.1\.conv1\.weight.* and 7 more\)",
    ),
    "another shape": (STATE | {"conv1.weight": torch.zeros(64, 3, 3, 3)}, "is 64 x 3 x 3 x 3, not 64 x"),
    "whole numbers": (STATE | {"bn1.weight": torch.ones(64, dtype=torch.int32)}, "no floating-point numbers"),
    "a network, not its weights": (make_network(), "holds a ResNet, not a dict of weights by name"),
    "no weights": ({"epoch": 3, "model": {}}, "holds a int by the name 'epoch', a dict by the name 'model'"),
    "nothing": ({}, r"it lacks conv1\.weight"),
    "a list": ([1, 2], "holds a list, not a dict"),
    "a name that is no text": ({1: torch.zeros(1)}, "a name that is no text"),
    "only an optimiser": ({"optimizer": {"state": {"exp_avg": torch.zeros(3)}}}, r"it lacks conv1\.weight"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_check_points_that_cannot_be_used_end_in_one_line(tmp_path: Path, fault: str) -> None:
    content, message = BROKEN[fault]
    torch.save(content, tmp_path / "mine.pth")
    with pytest.raises(WeightsError, match=message) as refusal:
        load_backbone(str(tmp_path / "mine.pth"), architecture="resnet18")
    assert str(refusal.value).startswith("mine.pth ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["mine.bin", "mine.pth", "mine.safetensors"])
def test_the_kind_of_a_file_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    for save in (save_file, torch.save):
        (tmp_path / name).unlink(missing_ok=True)
        save({"a": torch.ones(2)}, tmp_path / name)
        assert is_safetensors(tmp_path / name) == (save is save_file)
        assert torch.equal(read_state(tmp_path / name)["a"], torch.ones(2))


def leave_a_trace(path: str) -> None:
    Path(path).touch()


def test_what_a_check_point_holds_beside_weights_is_never_built_or_run(tmp_path: Path) -> None:
    class Loud:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return leave_a_trace, (str(tmp_path / "run"),)

    torch.save({"state_dict": dict(STATE), "callback": Loud(), "args": Namespace(a=1)}, tmp_path / "mine.pth")
    assert read_state(tmp_path / "mine.pth").keys() == behind("state_dict.").keys()
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_stranger_s_check_point_comes_through_the_process_with_all_its_parts(tmp_path: Path) -> None:
    content = {"model": behind("module."), "args": Namespace(lr=0.1)}
    torch.save(content, tmp_path / "mine.ckpt")
    read = read_apart(tmp_path / "mine.ckpt")
    assert read.keys() == behind("model.module.").keys()
    assert all(torch.equal(read[f"model.{name}"], held) for name, held in behind("module.").items())


def test_a_dict_that_lies_in_itself_is_read_once(tmp_path: Path) -> None:
    content: Content = {"a": torch.ones(2)}
    content["self"] = content
    torch.save(content, tmp_path / "mine.pth")
    assert list(read_state(tmp_path / "mine.pth")) == ["a"]


@pytest.mark.parametrize(
    ("architecture", "head"),
    [("resnet50", "fc"), ("vgg16", "classifier.6"), ("squeezenet1_1", "classifier.1")],
)
def test_the_head_is_what_gives_the_classes(architecture: str, head: str) -> None:
    import torchvision

    with torch.device("meta"):
        network = torchvision.models.get_model(architecture, weights=None)
    assert find_head(network) == head
    assert isinstance(network.get_submodule(head).weight, Tensor)
