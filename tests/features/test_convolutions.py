"""Frozen convolutions: the network they came from, computed faster."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.testing import assert_close

from explorer.features import convolutions, onednn
from explorer.features.convolutions import FrozenConvolution, freeze_convolutions, keep_ordinary


class Block(nn.Module):
    """Everything a convolution may be followed by: a ReLU, a sum and a ReLU, a sum that others read."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, stride=2, padding=3)
        self.inner, self.outer, self.bypass = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.stem(images))
        maps = self.relu(self.outer(self.relu(self.inner(maps))) + self.bypass(maps))
        total = self.grouped(maps) + maps
        return self.relu(total) + total


def with_gradient(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    images = images.clone().requires_grad_()
    maps = network(images)
    (gradient,) = torch.autograd.grad(maps.square().sum(), images)
    return maps, gradient


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def block() -> Block:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Block().eval().requires_grad_(False)


def frozen(network: nn.Module) -> fx.GraphModule:
    graph = fx.symbolic_trace(copy.deepcopy(network))
    freeze_convolutions(graph)
    return graph


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (3, 3, 33, 30)])
def test_a_frozen_network_computes_what_it_did(
    block: Block, shape: tuple[int, ...], random: torch.Generator
) -> None:
    images = torch.rand(shape, generator=random)
    assert_close(with_gradient(frozen(block), images), with_gradient(block, images))


def test_an_ordinary_one_computes_the_same_without_a_second_layout(
    block: Block, random: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FrozenConvolution, "convolve", None)  # Calling it would be an error.
    graph, images = frozen(block), torch.rand((1, 3, 32, 32), generator=random)
    keep_ordinary(graph)
    assert_close(with_gradient(graph, images), with_gradient(block, images))


def test_sums_and_relus_that_nobody_else_reads_go_into_the_convolution(block: Block) -> None:
    calls = [node.name for node in frozen(block).graph.nodes if node.op in ("call_module", "call_function")]
    assert [name for name in calls if "relu" in name or "add" in name] == ["add_1", "relu_3", "add_2"]


@settings(deadline=None, database=None, derandomize=True)
@given(
    channels=st.integers(1, 6),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    size=st.tuples(st.integers(7, 19), st.integers(7, 19)),
)
def test_every_geometry_has_the_gradient_of_the_plain_convolution(
    channels: int, kernel: int, stride: int, padding: int, size: tuple[int, int]
) -> None:
    random = torch.Generator().manual_seed(0)
    plain = nn.Conv2d(channels, 5, kernel, stride=stride, padding=padding).requires_grad_(False)
    images = torch.rand((2, channels, *size), generator=random)
    assert_close(with_gradient(FrozenConvolution(plain), images), with_gradient(plain, images))


def test_maps_of_another_shape_or_another_thread_get_their_own_layout(
    block: Block, random: torch.Generator
) -> None:
    network = frozen(block)
    pictures = [torch.rand(1, 3, size, size, generator=random) for size in (16, 24, 32) * 8]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda images: with_gradient(network, images), pictures))
    assert_close(found, [with_gradient(block, images) for images in pictures])


def test_a_copy_in_another_type_lays_out_its_own_weights(block: Block, random: torch.Generator) -> None:
    images = torch.rand(1, 3, 32, 32, generator=random)
    network = frozen(block)
    network(images)  # Lays out float32 weights, which the copy must not use.
    expected = with_gradient(copy.deepcopy(block).bfloat16(), images.bfloat16())
    found = with_gradient(copy.deepcopy(network).bfloat16(), images.bfloat16())
    assert_close(found, expected, rtol=0.1, atol=0.1)  # Sums are rounded once instead of twice.


@pytest.mark.parametrize(
    ("library", "operator"),
    [
        ("aten", "mkldnn_reorder_conv2d_weight"),
        ("mkldnn", "_convolution_pointwise"),
        ("mkldnn", "_reorder_convolution_transpose_weight"),
        ("mkldnn", "_convolution_transpose_pointwise"),
    ],
)
def test_without_one_private_operator_it_is_an_ordinary_network_and_the_log_says_so(
    block: Block,
    library: str,
    operator: str,
    random: torch.Generator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class WithoutOne:
        def __getattr__(self, name: str) -> object:
            if name == operator:
                raise AttributeError(f"no operator {name}")
            return getattr(whole, name)

    whole = getattr(torch.ops, library)
    monkeypatch.setattr(torch.ops, library, WithoutOne())
    monkeypatch.setattr(onednn, "find_operators", cache(onednn.find_operators.__wrapped__))
    monkeypatch.setattr(FrozenConvolution, "convolve", None)  # Calling it would be an error.
    images = torch.rand(1, 3, 32, 32, generator=random)
    assert_close(with_gradient(frozen(block), images), with_gradient(block, images))
    (line,) = caplog.messages
    assert operator in line


@pytest.mark.parametrize("type_name", ["float32", "float64"])
def test_without_onednn_it_is_an_ordinary_network(
    block: Block, type_name: str, random: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("oneDNN was asked for")

    if type_name == "float32":
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(FrozenConvolution, "convolve", refuse)
    dtype = getattr(torch, type_name)
    images = torch.rand(1, 3, 32, 32, generator=random, dtype=dtype)
    assert_close(
        with_gradient(frozen(block).to(dtype), images), with_gradient(copy.deepcopy(block).to(dtype), images)
    )


def test_autocast_chooses_the_type_as_in_an_ordinary_network(block: Block, random: torch.Generator) -> None:
    images = torch.rand(1, 3, 32, 32, generator=random)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = frozen(block)(images), block(images)
    assert found.dtype == expected.dtype == torch.bfloat16
    assert_close(found, expected)


def test_gradients_are_exact(block: Block, random: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oneDNN path by finite differences, of a function smooth enough for float32."""
    asked: list[bool] = []
    served: Callable[..., bool] = convolutions.is_served
    monkeypatch.setattr(convolutions, "is_served", lambda *a: asked.append(served(*a)) or asked[-1])
    images = torch.rand(1, 3, 16, 16, generator=random)
    direction = torch.randn(1, 3, 16, 16, generator=random)
    network = frozen(block)
    _, gradient = with_gradient(network, images)
    assert any(asked)
    step = 1e-2
    change = (
        network(images + step * direction).square().sum() - network(images - step * direction).square().sum()
    ) / (2 * step)
    assert_close(change, (gradient * direction).sum(), rtol=1e-2, atol=1e-2)
