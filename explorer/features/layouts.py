"""Check-points as trainings leave them, brought to the names that a network here has.

Wrappers put prefixes before every name, averaged weights lie beside the others, classifiers have classes of
their own or none. What was left out or renamed is said.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from explorer.errors import cut
from explorer.features.state import State, WeightsError
from explorer.images import SIZE

COUNTER = "num_batches_tracked"  # Of trainings: it changes no feature.
VARIANCE = "running_var"
AVERAGED = ("ema", "averaged", "teacher")  # Averages over a training give the better features.
HEADS = ("fc", "classifier", "head", "heads", "last_linear", "linear")
MAX_PARTS = 12  # Of a name, that may stand before a network's own.
SHOWN_GROUPS = 3


class UnsoundWeightsError(WeightsError):
    """Weights of the right network whose values give no features; the message names the tensor."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A check-point's weights by the network's own names; `classes` is None where it has no classifier."""

    state: State
    classes: int | None
    remarks: tuple[str, ...]  # What was found elsewhere, or left out.


def read_layout(state: State, network: nn.Module) -> Layout:
    """Find a network's weights in a check-point, whatever stands before their names and beside them.

    Raises:
        WeightsError: they are of another network, or no numbers; the message names the first that is wrong.
    """
    expected = {name: held for name, held in network.state_dict().items() if not name.endswith(COUNTER)}
    head = find_head(network)
    trunk = {name: held for name, held in expected.items() if not name.startswith(f"{head}.")}
    prefix = _choose_prefix(state, expected)
    missing = [name for name in trunk if prefix + name not in state]
    if missing:
        raise WeightsError(f"it lacks {_count(missing)}")
    for name, held in trunk.items():
        _check(prefix + name, state[prefix + name], held.shape)
    found = {name: prefix + name for name in trunk}
    classifier = _find_classifier(state, prefix, head, expected[f"{head}.weight"].shape)
    for part in ("weight", "bias") if classifier else ():
        if f"{head}.{part}" in expected:
            found[f"{head}.{part}"] = f"{classifier}.{part}"
            _check(f"{classifier}.{part}", state[f"{classifier}.{part}"])
    classes = len(state[f"{classifier}.weight"]) if classifier else None
    said = tuple(_describe(state, found, prefix, head))
    return Layout({name: state[key] for name, key in found.items()}, classes, said)


def find_head(network: nn.Module) -> str:
    """Name the module that gives a classification network its classes: the last linear map."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    return linear[-1]


def fill(network: nn.Module, layout: Layout) -> None:
    """Put a check-point's weights into a network, which gets as many classes as it has."""
    head = find_head(network)
    last = network.get_submodule(head)
    assert isinstance(last, nn.Linear | nn.Conv2d)
    if layout.classes is not None and layout.classes != last.weight.shape[0]:
        for name in ("weight", "bias"):
            held = layout.state.get(f"{head}.{name}")
            if held is not None:
                setattr(last, name, nn.Parameter(torch.empty(held.shape), requires_grad=False))
    network.load_state_dict(layout.state, strict=False)


def count_classes(network: nn.Module) -> int:
    """Count the classes that a network tells apart."""
    last = network.get_submodule(find_head(network))
    assert isinstance(last, nn.Linear | nn.Conv2d)
    return last.weight.shape[0]


def name_classes(count: int | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Name so many classes: those known if they are as many, else by their numbers; none for None."""
    return known if count == len(known) else tuple(f"class {number}" for number in range(count or 0))


def hash_weights(network: nn.Module) -> str:
    """Return the SHA-256 of a network's weights, whatever file they came in."""
    digest = hashlib.sha256()
    for name, held in network.state_dict().items():
        digest.update(name.encode() + held.contiguous().numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def check_soundness(network: nn.Module) -> None:
    """Raise UnsoundWeightsError where a network in eval mode answers to a picture with no number."""
    if not network(torch.linspace(-2, 2, SIZE).expand(1, 3, SIZE, SIZE)).isfinite().all():
        raise UnsoundWeightsError("its features are infinite or no number (NaN)")


def _choose_prefix(state: State, names: Mapping[str, torch.Tensor]) -> str:
    """Find what stands before most of the names; of several as many, the averaged, the shorter, the first."""
    counts = Counter[str]()
    for key in state:
        parts = key.split(".", MAX_PARTS)
        for place in range(len(parts)):
            if ".".join(parts[place:]) in names:
                counts["".join(f"{part}." for part in parts[:place])] += 1

    def rank(prefix: str) -> tuple[int, bool, int]:
        return counts[prefix], any(word in prefix.lower() for word in AVERAGED), -len(prefix)

    return max(counts, key=rank, default="")


def _find_classifier(state: State, prefix: str, head: str, shape: torch.Size) -> str | None:
    """Name the linear map from the network's last features to classes; None where none or several are."""
    found = []
    for key, held in state.items():
        group, _, part = key.rpartition(".")
        is_head = group.startswith(prefix) and group.removeprefix(prefix).split(".")[0] in HEADS
        fits = held.ndim == len(shape) and held.shape[1:] == shape[1:] and len(held) > 1
        bias = state.get(f"{group}.bias")
        if part == "weight" and is_head and fits and bias is not None and bias.shape == held.shape[:1]:
            found.append(group)
    if prefix + head in found:
        return prefix + head
    return found[0] if len(found) == 1 else None


def _check(name: str, held: torch.Tensor, shape: torch.Size | None = None) -> None:
    """Raise WeightsError for a tensor of another shape or kind, or with values that are no numbers."""
    if shape is not None and held.shape != shape:
        got, wanted = (" x ".join(map(str, one)) or "one number" for one in (held.shape, shape))
        raise WeightsError(f"{cut(name)} is {got}, not {wanted}")
    if not held.is_floating_point() or held.layout != torch.strided:
        raise WeightsError(f"{cut(name)} holds no floating-point numbers")
    if not held.isfinite().all():
        raise UnsoundWeightsError(f"{cut(name)} holds values that are infinite or no number (NaN)")
    if name.endswith(VARIANCE) and (held < 0).any():
        raise UnsoundWeightsError(f"{cut(name)} holds variances below 0")


def _describe(state: State, found: Mapping[str, str], prefix: str, head: str) -> Iterator[str]:
    """Say where the weights stood, and what of the file is not used."""
    if prefix:
        yield f"Its names stand behind '{cut(prefix)}'."
    classifier = found.get(f"{head}.weight")
    if classifier is None:
        yield "It has no classifier, so this network says nothing of a picture."
    elif classifier != f"{prefix}{head}.weight":
        yield f"Its classifier is '{cut(classifier.removesuffix('.weight'))}'."
    taken = set(found.values())
    rest = [key for key in state if key not in taken and not key.endswith(COUNTER)]
    groups = dict.fromkeys(_group(key, prefix) for key in rest)
    if groups:
        yield f"Left out of it: {_count(groups)}."


def _group(key: str, prefix: str) -> str:
    """Name what a tensor belongs to: its name up to the first part that the network's do not have."""
    parts, own = key.split("."), prefix.split(".")[:-1]
    shared = next(
        (place for place, pair in enumerate(zip(parts, own, strict=False)) if len(set(pair)) > 1), len(own)
    )
    return ".".join(parts[: shared + 1])


def _count(names: Iterable[str]) -> str:
    shown = [cut(name) for name in names]
    more = len(shown) - SHOWN_GROUPS
    return ", ".join(shown[:SHOWN_GROUPS]) + (f" and {more} more" if more > 0 else "")
