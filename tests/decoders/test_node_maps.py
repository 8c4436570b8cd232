"""Linear maps of many nodes: they find a linear relation, keep to a megabyte, and survive the file."""

import pytest
import torch
from torch.nn import functional

from explorer.cache import find, keep
from explorer.decoders.linear import LinearDecoderError
from explorer.decoders.node_maps import (
    HELD_OUT,
    MAX_NUMBERS,
    JointFit,
    NodeMap,
    load_maps,
    pack_maps,
    save_maps,
    unpack_maps,
)


class LinearNetwork:
    """Stands where a trunk does: features that are a linear map of the pixels below each cell."""

    def __init__(self, stride: int, channels: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.stride = stride
        self.mixing = torch.randn(channels, 3 * stride**2, generator=generator)

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        patches = functional.pixel_unshuffle(images, self.stride)
        return {"node": torch.einsum("cp,bpyx->bcyx", self.mixing, patches)}


def fit(network: LinearNetwork) -> NodeMap:
    fitting = JointFit(network)
    generator = torch.Generator().manual_seed(1)
    for _ in range(2 * HELD_OUT):
        fitting.add(torch.rand(2, 3, 32, 32, generator=generator))
    return fitting.solve("node")


def test_what_is_linearly_there_is_found():
    network = LinearNetwork(stride=2, channels=12)
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(9))
    decoded = fit(network).decoder("node")(network(images))
    assert (decoded - images).abs().mean() < 0.01


def test_a_map_keeps_to_half_a_million_numbers():
    fitted = fit(LinearNetwork(stride=16, channels=1024))
    assert fitted.inner.numel() + fitted.outer.numel() <= MAX_NUMBERS
    assert fitted.inner.shape[0] < min(1024, 3 * 16**2)


def test_maps_survive_their_file_in_eight_bits(tmp_path):
    path, fitted = tmp_path / "maps.safetensors", fit(LinearNetwork(stride=2, channels=12))
    save_maps({"node": fitted}, path, fingerprint="abc", about="a test")
    maps = load_maps(path, fingerprint="abc")
    assert maps is not None
    torch.testing.assert_close(maps["node"].outer.float(), fitted.outer, atol=5e-3, rtol=0)


def test_maps_of_another_trunk_are_not_taken(tmp_path):
    path = tmp_path / "maps.safetensors"
    save_maps({"node": fit(LinearNetwork(2, 12))}, path, fingerprint="abc", about="a test")
    assert load_maps(path, fingerprint="abd") is None


def test_too_few_pictures_are_refused():
    fitting = JointFit(LinearNetwork(2, 12))
    fitting.add(torch.rand(1, 3, 32, 32))
    with pytest.raises(LinearDecoderError, match="needs 5 batches of pictures, not 1"):
        fitting.solve("node")


def test_a_file_that_holds_no_maps_is_refused(tmp_path):
    (tmp_path / "maps.safetensors").write_bytes(b"no tensors")
    with pytest.raises(LinearDecoderError, match="no readable file of linear maps"):
        load_maps(tmp_path / "maps.safetensors", fingerprint="abc")


def test_features_without_maps_are_refused():
    fitting = JointFit(lambda images: {"node": images.mean(dim=(2, 3))})
    with pytest.raises(LinearDecoderError, match="a feature map that divides the picture"):
        fitting.add(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize("lost", ["node|outer", "node|outer.scale"])
def test_maps_that_lack_a_tensor_count_as_absent_in_the_cache(monkeypatch, tmp_path, lost):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    tensors = pack_maps({"node": fit(LinearNetwork(stride=2, channels=12))})
    keep("whole", tensors)
    assert find("whole", unpack_maps) is not None
    keep("short", {name: tensor for name, tensor in tensors.items() if name != lost})
    assert find("short", unpack_maps) is None
