"""Recognition by another network: known pictures, and what counts as recognised."""

import pytest
import torch
from torchvision.models import ResNet50_Weights

from explorer.examples import load_example
from explorer.metrics.recognition import Recogniser, is_recognised

CATEGORIES = ResNet50_Weights.IMAGENET1K_V1.meta["categories"]


@pytest.fixture(scope="module")
def recognise() -> Recogniser:
    return Recogniser()


@pytest.mark.parametrize(
    ("example", "expected"), [("cat", "tabby"), ("coffee", "espresso"), ("rocket", "missile")]
)
@pytest.mark.parametrize("size", [224, 300])
def test_it_names_what_a_photo_shows(recognise: Recogniser, example: str, expected: str, size: int) -> None:
    (probabilities,) = recognise(load_example(example, size=size).images)
    assert expected in [CATEGORIES[index] for index in probabilities.topk(5).indices]
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-4)


def test_a_photo_is_recognised_and_grey_is_not(recognise: Recogniser) -> None:
    photo = load_example("cat").images
    original = recognise(photo)
    noisy, grey = recognise((photo + 0.02 * torch.randn_like(photo)).clamp(0, 1)), recognise(photo * 0 + 0.5)
    assert is_recognised(noisy, original, top=5).all()
    assert not is_recognised(grey, original, top=5).any()


def test_top_five_holds_the_originals_best_class_where_top_one_does_not() -> None:
    original = torch.tensor([[0.9, 0.1, 0, 0, 0, 0, 0]])
    near = torch.tensor([[0.2, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1]])
    far = torch.tensor([[0, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1]])
    assert is_recognised(original, original, top=1).tolist() == [True]
    assert is_recognised(near, original, top=1).tolist() == [False]
    assert is_recognised(near, original, top=5).tolist() == [True]
    assert is_recognised(far, original, top=5).tolist() == [False]
