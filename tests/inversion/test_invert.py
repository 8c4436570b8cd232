"""Contracts of invert(): what it yields, when it stops, and that it leaves nothing behind."""

import threading
import time
from collections.abc import Mapping
from functools import partial
from itertools import islice

import pytest
import torch
from torch import Tensor
from torchvision.models.resnet import ResNet

from explorer.device import CPU, fastest_precision
from explorer.features.layers import LAYERS
from explorer.features.trunk import Trunk, build_trunk
from explorer.images import Images
from explorer.inversion.invert import Step, describe_change
from explorer.inversion.invert import invert as invert_any_size
from explorer.inversion.priors import closeness, total_variation
from explorer.inversion.settings import Settings, SettingsError, load_settings, make_settings, parse_overrides

SIZE = 64
invert = partial(invert_any_size, size=(SIZE, SIZE))


@pytest.fixture
def picture() -> Images:
    """A smooth, colourful picture."""
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(0, 1)


@pytest.fixture
def trunk(tiny_network: ResNet) -> Trunk:
    return build_trunk(tiny_network, "layer1")


def settings(**changes: object) -> Settings:
    return make_settings({"evaluations": 12, **changes})


def error(trunk: Trunk, images: Images, target: Mapping[str, Tensor]) -> float:
    """Recompute the relative squared feature error, mean over nodes."""
    found = trunk(images)
    return sum(
        ((found[node] - wanted).square().sum() / wanted.square().sum()).item()
        for node, wanted in target.items()
    ) / len(target)


def losses(steps: list[Step]) -> list[float]:
    return [step.losses["total"] for step in steps]


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
@pytest.mark.parametrize("parameterisation", ["fourier", "pixels"])
def test_inversion_of_a_tiny_trunk_converges(
    trunk: Trunk, picture: Images, optimiser: str, parameterisation: str
):
    rate = 1.0 if optimiser == "lbfgs" else 0.05
    chosen = settings(
        optimiser=optimiser, parameterisation=parameterisation, learning_rate=rate, evaluations=60
    )
    steps = list(invert(trunk, trunk(picture), chosen))
    assert steps[-1].losses["feature"] < 0.1 * steps[0].losses["feature"]
    assert closeness(steps[-1].images, picture) < closeness(steps[0].images, picture)


def test_the_first_step_is_the_start_itself(trunk: Trunk, picture: Images):
    start = 1 - picture
    first = next(invert(trunk, trunk(picture), settings(start="image"), start=start))
    assert (first.index, first.evaluations) == (0, 1)
    torch.testing.assert_close(first.images, start)


def test_a_start_from_the_answer_has_no_error(trunk: Trunk, picture: Images):
    first = next(invert(trunk, trunk(picture), settings(start="image"), start=picture))
    assert first.losses["feature"] < 1e-8


def test_noise_differs_by_seed_and_grey_is_grey(trunk: Trunk, picture: Images):
    def first(**changes: object) -> Images:
        return next(invert(trunk, trunk(picture), settings(**changes))).images

    assert not torch.equal(first(seed=0), first(seed=1))
    torch.testing.assert_close(first(start="grey"), torch.full_like(picture, 0.5))


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_loss_and_image_belong_to_the_same_iterate(trunk: Trunk, picture: Images, optimiser: str):
    target = trunk(picture)
    chosen = settings(
        optimiser=optimiser, learning_rate=1.0 if optimiser == "lbfgs" else 0.02, total_variation=0.1
    )
    for step in invert(trunk, target, chosen):
        assert step.losses["feature"] == pytest.approx(error(trunk, step.images, target), rel=1e-3)
        assert step.losses["total_variation"] == pytest.approx(total_variation(step.images).item(), rel=1e-3)
        assert step.losses["total"] == pytest.approx(
            step.losses["feature"] + 0.1 * step.losses["total_variation"] + step.losses["out_of_range"],
            rel=1e-5,
        )


def test_losses_never_rise_with_line_search(trunk: Trunk, picture: Images):
    totals = losses(list(invert(trunk, trunk(picture), settings(evaluations=30))))
    assert totals == sorted(totals, reverse=True)


def test_the_same_seed_gives_the_same_steps(trunk: Trunk, picture: Images):
    runs = [list(invert(trunk, trunk(picture), settings(seed=7))) for _ in range(2)]
    assert losses(runs[0]) == losses(runs[1])
    assert all(torch.equal(a.images, b.images) for a, b in zip(*runs, strict=True))


def test_two_interleaved_inversions_do_not_mix(tiny_network: ResNet, trunk: Trunk, picture: Images):
    deeper = build_trunk(tiny_network, "layer2")
    alone = list(invert(trunk, trunk(picture), settings()))
    other = invert(deeper, deeper(1 - picture), settings(seed=1))
    interleaved = [step for step, _ in zip(invert(trunk, trunk(picture), settings()), other, strict=False)]
    assert losses(interleaved) == losses(alone[: len(interleaved)])


@pytest.mark.parametrize("is_searching", [True, False])
@pytest.mark.parametrize("budget", [1, 2, 3, 10])
def test_evaluations_never_pass_the_budget_and_are_counted_truly(
    tiny_network: ResNet, picture: Images, budget: int, is_searching: bool
):
    trunk = build_trunk(tiny_network, "layer1")
    target = trunk(picture)
    calls = []
    trunk.register_forward_hook(lambda *_: calls.append(1))
    steps = list(invert(trunk, target, settings(evaluations=budget, line_search=is_searching)))
    assert steps[-1].evaluations == budget == len(calls)
    assert [step.index for step in steps] == list(range(len(steps)))


def test_a_time_budget_counts_own_time_only(trunk: Trunk, picture: Images):
    seconds, paused, started = [], 0.0, time.perf_counter()
    for step in invert(trunk, trunk(picture), settings(evaluations=None, seconds=0.3)):
        pause = time.perf_counter()
        assert step.seconds <= pause - started - paused
        seconds.append(step.seconds)
        time.sleep(0.02)
        paused += time.perf_counter() - pause
    assert seconds[-1] >= 0.3 > max([0.0, *seconds[:-1]])


def test_patience_stops_a_search_that_gains_nothing(trunk: Trunk, picture: Images):
    chosen = settings(start="image", evaluations=100, patience=3, tolerance=0.9)
    steps = list(invert(trunk, trunk(picture), chosen, start=picture))
    assert len(steps) == 4


def test_a_search_that_finds_nothing_better_ends_before_its_budget(trunk: Trunk):
    grey = torch.full((1, 3, SIZE, SIZE), 0.5)
    steps = list(invert(trunk, trunk(grey), settings(start="grey", evaluations=None)))
    assert len(steps) == 2
    assert steps[-1].losses["feature"] == 0


def test_closing_early_leaves_no_hook_no_thread_and_the_grad_mode(trunk: Trunk, picture: Images):
    threads = threading.active_count()
    with torch.no_grad():
        target = trunk(picture)
        generator = invert(trunk, target, settings(precision="bfloat16"))
        for step in islice(generator, 3):
            assert not torch.is_grad_enabled()
            assert not torch.is_autocast_enabled("cpu")
            assert not step.images.requires_grad
        generator.close()
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    assert threading.active_count() == threads
    assert not any(module._forward_hooks or module._backward_hooks for module in trunk.modules())  # noqa: SLF001
    assert not any(parameter.grad is not None for parameter in trunk.parameters())


def test_a_generator_may_be_resumed_on_another_thread(trunk: Trunk, picture: Images):
    generator = invert(trunk, trunk(picture), settings())
    found = [next(generator)]
    worker = threading.Thread(target=lambda: found.append(next(generator)))
    worker.start()
    worker.join()
    found.append(next(generator))
    assert losses(found) == losses(list(islice(invert(trunk, trunk(picture), settings()), 3)))


def test_joint_nodes_share_the_error_evenly(tiny_network: ResNet, picture: Images):
    trunk = build_trunk(tiny_network, "layer1+layer3")
    target = trunk(picture)
    steps = list(invert(trunk, target, settings()))
    assert steps[-1].losses["feature"] == pytest.approx(error(trunk, steps[-1].images, target), rel=1e-3)
    assert steps[-1].losses["feature"] < steps[0].losses["feature"]


def test_a_batch_is_inverted_together(trunk: Trunk, picture: Images):
    pictures = torch.cat([picture, 1 - picture])
    *_, last = invert(trunk, trunk(pictures), settings(evaluations=40))
    assert last.images.shape == pictures.shape
    assert (closeness(last.images, pictures) < closeness(torch.full_like(pictures, 0.5), pictures)).all()


def test_every_term_with_a_weight_lowers_itself(tiny_network: ResNet, picture: Images):
    trunk = build_trunk(tiny_network, "layer2", batchnorm_inputs=True)
    target = trunk(picture)

    def reached(name: str, weight: float) -> float:
        chosen = settings(evaluations=12, **{name: weight})
        *_, last = invert(trunk, target, chosen, start=picture)
        return last.losses[name]

    for name in ("direction", "total_variation", "alpha_norm", "batchnorm", "closeness"):
        assert reached(name, 10.0) < reached(name, 1e-6)


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_a_loss_that_is_no_number_ends_with_the_best_step(trunk: Trunk, picture: Images, optimiser: str):
    target = trunk(picture)
    generator = invert(trunk, target, settings(optimiser=optimiser, learning_rate=0.01))
    seen = list(islice(generator, 4))
    target["layer1"].fill_(torch.nan)
    (last,) = generator
    best = min(seen, key=lambda step: step.losses["total"])
    assert last.notice == "Optimisation became unstable at step 4; showing the best frame."
    assert (last.index, last.losses) == (best.index, best.losses)
    assert torch.equal(last.images, best.images)
    assert not any(step.notice for step in seen)


def test_layers_of_another_network_take_the_preset_of_their_depth():
    offered = ("features.0.0", "features.1", "features.4.block.0", "features.9.block.0")
    for layer, place in zip(offered, LAYERS, strict=True):
        assert load_settings(layer, layers=offered) == load_settings(place)
        assert load_settings(f"{layer}.0", layers=offered) == load_settings(place)
    assert load_settings("features.12", layers=offered) == load_settings("layer4")
    assert load_settings("features.1+features.12", layers=offered) == load_settings("layer2")


def test_automatic_precision_is_settled_on_the_device_and_can_be_given(monkeypatch: pytest.MonkeyPatch):
    faster = torch.bfloat16 if fastest_precision(CPU) == "bfloat16" else torch.float32
    assert load_settings("layer1", precision="auto").dtype_on(CPU) == faster
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    assert load_settings("layer1", precision="auto").dtype_on(CPU) == torch.float32
    for precision in (torch.float32, torch.bfloat16):
        name = str(precision).removeprefix("torch.")
        assert load_settings("layer1", precision=name).dtype_on(CPU) == precision


def test_half_the_precision_reaches_about_the_same_error(trunk: Trunk, picture: Images):
    target = trunk(picture)
    exact, rough = (
        list(invert(trunk, target, settings(precision=precision, evaluations=40)))[-1]
        for precision in ("float32", "bfloat16")
    )
    assert error(trunk, rough.images, target) < 2 * error(trunk, exact.images, target)
    assert trunk.dtype == torch.float32


def test_where_bfloat16_finds_nothing_better_the_search_goes_on_in_float32(trunk: Trunk, picture: Images):
    chosen = settings(precision="bfloat16", start="image", evaluations=65)
    steps = list(invert(trunk, trunk(picture), chosen, start=picture))
    changed = next(step for step in steps if step.remark)
    assert changed.remark == describe_change(changed.index - 1)
    assert torch.equal(changed.images, steps[changed.index - 1].images)
    assert all(step.remark is None for step in steps[: changed.index])
    assert all(step.remark == changed.remark for step in steps[changed.index :])
    assert steps[-1].losses["feature"] < 1e-3 * min(losses(steps[: changed.index]))
    assert steps[-1].evaluations <= 65


def test_unknown_and_senseless_settings_are_errors_that_help():
    with pytest.raises(SettingsError, match=r"'stepz'.*Known: optimiser, .*steps.*closeness"):
        load_settings("layer1", stepz=3)
    with pytest.raises(SettingsError, match=r"steps must be above 0, not -1"):
        load_settings("layer1", evaluations=-1)
    with pytest.raises(SettingsError, match=r"total_variation must be 0 or above, not -1"):
        load_settings("layer1", total_variation=-1)
    with pytest.raises(SettingsError, match=r"Bad setting total_variation.*much"):
        load_settings("layer1", total_variation="much")
    with pytest.raises(SettingsError, match=r"optimiser.*sgd.*lbfgs"):
        load_settings("layer1", optimiser="sgd")
    with pytest.raises(
        SettingsError, match=r"Unknown parameterisation 'wavelets': use cosine, fourier, pixels"
    ):
        load_settings("layer1", parameterisation="wavelets")
    with pytest.raises(SettingsError, match=r"'quick'.*balanced"):
        load_settings("layer1", preset="quick")


def test_texts_of_the_command_line_become_typed_changes():
    changes = parse_overrides(["steps=7", "total_variation=0.5", "line_search=false", "seconds=null"])
    assert changes == {"evaluations": 7, "total_variation": 0.5, "line_search": False, "seconds": None}
    assert load_settings("layer1", **changes).priors == {"total_variation": 0.5}
    with pytest.raises(SettingsError, match=r"'steps' is no setting; write key=value"):
        parse_overrides(["steps"])
    with pytest.raises(SettingsError, match=r"refers to another value"):
        parse_overrides(["decay=${oc.env:HOME}"])


def test_settings_are_described_by_the_names_of_the_command_line():
    plain = make_settings({"closeness": 2.0}).describe()
    assert plain["steps"] == 100
    assert plain["closeness"] == 2.0
    assert plain["alpha_norm"] == 0.0
    assert "priors" not in plain
    assert "evaluations" not in plain


def test_what_trunk_or_start_cannot_give_is_an_error(trunk: Trunk, picture: Images):
    for chosen in (settings(start="image"), settings(closeness=1.0), settings(batchnorm=1.0)):
        with pytest.raises(SettingsError):
            next(invert(trunk, trunk(picture), chosen))


def test_the_batchnorm_prior_is_refused_where_the_weights_hold_no_statistics(
    tiny_network: ResNet, picture: Images
):
    for module in tiny_network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    trunk = build_trunk(tiny_network, "layer2", batchnorm_inputs=True)
    with pytest.raises(SettingsError, match="weights that hold their statistics"):
        next(invert(trunk, {"layer2": trunk(picture)["layer2"]}, settings(batchnorm=1.0)))


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
@pytest.mark.parametrize("method", ["optimiser", "hybrid"])
@pytest.mark.parametrize("node", ["layer1", "layer4", "layer3.4.conv2", "conv1", "avgpool", "layer1+layer3"])
def test_every_preset_serves_every_node(preset: str, method: str, node: str):
    chosen = load_settings(node, method, preset, evaluations=7, seed=3)
    assert (chosen.evaluations, chosen.seed) == (7, 3)
    assert (chosen.start == "image") == (method == "hybrid")
