"""Weights in eight bits: close, exact again at the second packing, and nothing else in the file changes."""

import torch

from explorer.decoders.packing import SCALE, pack, unpack


def make_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    spread = torch.logspace(-3, 1, 8).view(8, 1, 1, 1)  # Channels of very different size.
    return {
        "conv.weight": spread * torch.randn(8, 4, 3, 3),
        "conv.bias": torch.randn(8),
        "mean": torch.randn(1, 4),
    }


def test_each_output_channel_keeps_its_own_precision_of_one_step_in_127() -> None:
    state = make_state()
    kept = unpack(pack(state, eight_bits=True))["conv.weight"]
    largest = state["conv.weight"].flatten(1).abs().amax(1)
    error = (kept - state["conv.weight"]).flatten(1).abs().amax(1)
    assert (error <= largest / 127 * 0.75).all()


def test_packing_what_was_unpacked_gives_the_same_file() -> None:
    packed = pack(make_state(), eight_bits=True)
    again = pack(unpack(packed), eight_bits=True)
    assert packed.keys() == again.keys() == {"conv.weight", f"conv.weight{SCALE}", "conv.bias", "mean"}
    for name, tensor in packed.items():
        assert torch.equal(tensor, again[name])
    assert packed["conv.weight"].dtype == torch.int8


def test_a_channel_of_zeros_stays_zero() -> None:
    assert torch.equal(unpack(pack({"w": torch.zeros(3, 2)}, eight_bits=True))["w"], torch.zeros(3, 2))


def test_half_precision_is_as_before() -> None:
    state = make_state()
    for name, tensor in unpack(pack(state, eight_bits=False)).items():
        assert torch.equal(tensor, state[name].half().float())
