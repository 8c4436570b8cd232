"""Known answers of the experiments on a tiny network, and what all of them have in common."""

import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pytest
import torch

from explorer.errors import ExplorerError
from explorer.examples import load_example
from explorer.experiments import EXPERIMENTS, follow_experiment, run_experiment
from explorer.experiments.experiment import Experiment, Result, Shown, option
from explorer.experiments.matrix import describe_recognition
from explorer.experiments.operations.components import load_components
from explorer.experiments.operations.edit_table import EDITS
from explorer.experiments.presentation.folder import draw_result
from explorer.experiments.presentation.python_code import write_code
from explorer.features.layers import LAYERS
from explorer.images import Images, Picture, quantise, to_pil
from explorer.lab.lab import Lab
from explorer.metrics.functional import feature_error
from explorer.report.chart import encode_figure
from explorer.ui.language import read_catalogue
from tests.support.catalogue import is_known
from tests.support.made import SIZE as SIDE
from tests.support.tiny import stand_in

pytestmark = pytest.mark.usefixtures("few_pictures_to_fit")

CHANNELS = {"layer1": 256, "layer4": 2048}
QUICK: dict[str, dict[str, Any]] = {
    "backbones": {"networks": "resnet18:untrained"},
    "invariances": {"evaluations": 3, "points": 3},
    "blend": {"frames": 3},
}


# The decoders of the deepest layers take half a minute to fit; the leak drill's attacks a third of it.
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in ("backbones", "depth", "leak") else name
    for name in EXPERIMENTS
]


def given(name: str, pictures):
    return pictures[: EXPERIMENTS[name].pictures or 1]


@pytest.fixture(scope="module")
def known() -> dict[str, list[Result]]:
    """What each experiment has shown before, so that it runs once."""
    return {}


def follow(known: dict[str, list[Result]], lab, pictures, name: str) -> list[Result]:
    if name not in known:
        asked = follow_experiment(name, lab, given(name, pictures), **QUICK.get(name, {}))
        known[name] = list(asked)
    return known[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_works_with_its_defaults(known, coarse_lab, pictures, name):
    results = follow(known, coarse_lab, pictures, name)
    assert results[0].pictures
    assert [one.progress for one in results] == sorted(one.progress for one in results)
    assert (results[-1].progress, results[-1].doing) == (1.0, "")
    assert results[-1].charts
    assert len({tuple(row) for row in results[-1].rows}) == 1, "all rows have the same columns"
    written = [*map(dict, results[-1].rows), *map(asdict, results[-1].charts)]
    json.dumps(written, allow_nan=False)
    names = [shown.name for shown in results[-1].pictures]
    assert len(names) == len(set(names)), "every picture has a file of its own"


@pytest.mark.parametrize("name", NAMES)
def test_all_that_an_experiment_says_stands_in_the_catalogue(known, coarse_lab, pictures, name):
    said = {EXPERIMENTS[name].explanation}
    for result in follow(known, coarse_lab, pictures, name):
        said |= {result.doing, *result.sentences, *(shown.caption for shown in result.pictures)}
    keys = list(read_catalogue()["de"])
    names = {"", "…", *(picture.name for picture in pictures)}
    assert sorted(text for text in said - names if not is_known(text, keys)) == []


def decode(lab: Lab, picture: Picture, layer: str) -> Images:
    at = lab.at(layer)
    return at.decode(at.encode(picture), "linear")


def first_edited(results: Iterator[Result]) -> Shown:
    """Return the first picture beside its original; what may be fitted before it is announced without one."""
    return next(result.pictures[1] for result in results if len(result.pictures) > 1)


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_named_in_the_catalogue(coarse_lab, pictures, edit):
    options = {} if EDITS[edit].amount else {"channels": "0-3"}
    results = follow_experiment("surgery", coarse_lab, pictures[:1], ["layer1"], edit=edit, **options)
    shown = first_edited(results)
    _, label, _ = shown.caption.split(" · ")
    keys = [key for key in read_catalogue()["de"] if " · " not in key]
    assert is_known(label, keys)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_explanation_is_two_sentences(name):
    assert EXPERIMENTS[name].explanation.rstrip(".").count(". ") == 1


@pytest.mark.parametrize("layer", CHANNELS)
@pytest.mark.parametrize(
    ("edit", "amount"), [("channels", None), ("components", None), ("noise", 0), ("blur", 0), ("shuffle", 0)]
)
def test_an_edit_that_takes_nothing_away_changes_nothing(
    coarse_lab, pictures, layer, edit, amount, monkeypatch
):
    amount = CHANNELS[layer] if amount is None else amount
    monkeypatch.setattr(
        "explorer.experiments.operations.components.example_batches", lambda: [torch.rand(9, 3, SIDE, SIDE)]
    )
    results = follow_experiment("surgery", coarse_lab, pictures[:1], [layer], edit=edit, amount=amount)
    torch.testing.assert_close(
        first_edited(results).images, decode(coarse_lab, pictures[0], layer), atol=1e-4, rtol=0
    )


def test_components_that_must_be_fitted_first_are_announced(coarse_lab, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    room = "explorer.experiments.operations.components"
    monkeypatch.setattr(f"{room}.example_batches", lambda: [torch.rand(9, 3, SIDE, SIDE)])
    load_components.cache_clear()

    def first() -> Result:
        return next(follow_experiment("surgery", coarse_lab, pictures[:1], ["layer1"], edit="components"))

    assert first().doing == "Fitting the principal components of layer1 …"
    load_components(coarse_lab.trunk("layer1"))
    assert first().doing == "Measuring …"


def test_the_curve_ends_with_all_channels_and_no_error(coarse_lab, pictures):
    result = run_experiment("surgery", coarse_lab, pictures[:1], ["layer1"])
    last = result.rows[-1]
    assert (last["amount"], last["edit_error"], last["top5_continued"]) == (256, 0.0, 1.0)


def test_shuffled_positions_of_the_last_layer_mean_the_same_to_the_network(coarse_lab, pictures):
    result = run_experiment("surgery", coarse_lab, pictures[:1], ["layer4"], edit="shuffle", amount=1)
    assert float(result.rows[0]["edit_error"] or 0) > 0.01
    assert result.rows[0]["top5_continued"] == 1.0


def test_blending_a_picture_with_itself_is_the_identity(coarse_lab, pictures):
    for mix in ("features", "statistics"):
        result = run_experiment("blend", coarse_lab, [pictures[0]] * 2, ["layer2"], mix=mix, frames=3)
        for frame in result.animations[0].frames:
            torch.testing.assert_close(frame, decode(coarse_lab, pictures[0], "layer2"), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("other", "own", "said"),
    [
        (
            "110",
            "111",
            ["recognises the picture from layer1 and layer2, not from layer3.", "from layer3: it fools"],
        ),
        ("111", "110", ["recognises the picture from layer1 and layer2 and layer3."]),
        ("000", "000", ["no longer recognises the picture from layer1 and layer2 and layer3."]),
    ],
)
def test_what_another_network_recognises_is_said_in_one_sentence(
    other: str, own: str, said: list[str]
) -> None:
    layers = ["layer1", "layer2", "layer3"]
    rows = [
        {"from": layer, "at": layer, "independent_recognises": int(a), "network_recognises": int(b)}
        for layer, a, b in zip(layers, other, own, strict=True)
    ]
    sentences = describe_recognition([*rows, {**rows[0], "at": "layer2"}], layers)
    assert len(sentences) == len(said)
    assert all(part in sentence for part, sentence in zip(said, sentences, strict=True))


def test_the_diagonal_of_the_matrix_is_the_reported_feature_error(coarse_lab, pictures):
    result = run_experiment("matrix", coarse_lab, pictures[:1])
    for layer in LAYERS:
        made = coarse_lab.at(layer).reconstruct(pictures[0], "linear")
        (row,) = [row for row in result.rows if (row["from"], row["at"]) == (layer, layer)]
        assert row["feature_error"] == pytest.approx(
            coarse_lab.score(pictures[0], made)["feature_error"], rel=1e-3
        )


def test_the_ends_of_a_morph_have_the_feature_errors_of_the_two_pictures(coarse_lab, pictures):
    result = run_experiment(
        "invariances", coarse_lab, pictures[:1], ["layer1"], seeds=1, evaluations=3, points=3
    )
    shown = {one.name: one.images for one in result.pictures}
    target = coarse_lab.at("layer1").encode(pictures[0])["layer1"]
    for row, name in ((result.rows[0], "one-layer1-0"), (result.rows[-1], "one-layer1-hybrid")):
        reached = coarse_lab.trunk("layer1")(shown[name])["layer1"]
        assert row["feature_error"] == pytest.approx(float(feature_error(reached, target)), rel=1e-3)


def test_the_same_seed_gives_the_same_reconstruction(coarse_lab, pictures):
    runs = [
        run_experiment("invariances", coarse_lab, pictures[:1], ["layer2"], seeds=2, evaluations=3)
        for _ in range(2)
    ]
    assert runs[0].rows == runs[1].rows
    assert not torch.equal(runs[0].pictures[1].images, runs[0].pictures[2].images), "seeds differ"


@pytest.mark.slow
def test_depth_lists_every_residual_block_in_order(known, coarse_lab, pictures):
    rows = follow(known, coarse_lab, pictures, "depth")[-1].rows
    rows = [row for row in rows if row["image"] == pictures[0].name]
    assert [row["layer"] for row in rows] == [f"layer{stage}.0" for stage in (1, 2, 3, 4)]


def test_depth_measures_the_pixels_that_it_shows(coarse_lab, pictures):
    result = run_experiment("depth", coarse_lab, pictures[:1], ["layer1", "layer2"])
    shown = quantise(result.pictures[1].images)
    mse = (shown - quantise(pictures[0].images)).square().mean()
    assert result.rows[0]["psnr_db"] == pytest.approx(float(-10 * mse.log10()), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "count", "options", "message"),
    [
        ("blend", 1, {}, "Blend takes 2 pictures, not 1"),
        ("surgery", 0, {}, "needs a picture"),
        ("dream", 1, {}, "no experiment 'dream': use surgery"),
        ("surgery", 1, {"amount": 300}, "amount is from 0 to 256, not 300"),
        ("surgery", 1, {"amount": "many"}, "amount is a number, not 'many'"),
        ("surgery", 1, {"edit": "paint"}, "edit is one of channels"),
        ("surgery", 1, {"colour": 1}, "no option 'colour'"),
        ("surgery", 1, {"edit": "drop", "channels": "all"}, "'all' is no list of channels"),
        (
            "surgery",
            1,
            {"edit": "drop", "channels": "250-256"},
            "no channel 256: these features have 0 to 255",
        ),
        ("surgery", 1, {"edit": "region", "region": "0,0,2,2"}, "empty or outside"),
        ("surgery", 1, {"edit": "region", "region": "16,0"}, "no cell 16,0: this layer has 16 rows"),
        ("invariances", 1, {"seeds": 1.5}, "seeds is a whole number"),
    ],
)
def test_bad_input_is_explained(coarse_lab, pictures, name, count, options, message):
    with pytest.raises(ExplorerError, match=message) as error:
        run_experiment(name, coarse_lab, pictures[:count], ["layer1"], **options)
    if name in EXPERIMENTS and count == (EXPERIMENTS[name].pictures or 1):  # Else the page would not ask.
        assert is_known(str(error.value), list(read_catalogue()["fr"]))


def test_a_network_that_cannot_be_had_is_named_and_left_out(coarse_lab, pictures):
    result = run_experiment("backbones", coarse_lab, pictures[:1], ["layer1"], networks="resnet18:V9")
    assert {row["network"] for row in result.rows} == {"tiny"}
    assert [row["layer"] for row in result.rows] == ["layer1"]
    assert "'V9' of resnet18" in result.sentences[0]


def test_a_node_without_maps_is_explained(coarse_lab, pictures):
    with pytest.raises(ExplorerError, match=r"'fc' has features of shape \(10,\).* such as layer3"):
        run_experiment("surgery", coarse_lab, pictures[:1], ["fc"])


def test_features_are_forgotten_with_their_picture(coarse_lab, pictures):
    from explorer.experiments import measuring

    before = len(measuring._features)  # noqa: SLF001
    picture = type(pictures[0])("short", torch.rand(1, 3, SIDE, SIDE))
    measuring.encode(coarse_lab, picture, "layer1")
    assert len(measuring._features) == before + 1  # noqa: SLF001
    del picture
    assert len(measuring._features) == before  # noqa: SLF001


@pytest.mark.parametrize("own", [False, True])
def test_copied_python_runs_as_it_is(coarse_lab, monkeypatch, tmp_path, capsys, own):
    picture = tmp_path / "my cat.png"
    to_pil(load_example("cat", size=SIDE).images).save(picture)
    code = write_code("surgery", [str(picture) if own else "cat"], ["layer1"], {"edit": "blur"}, "untrained")
    assert len(code.strip().splitlines()) <= 12
    stand_in(coarse_lab, monkeypatch)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "copied", "exec"), {})
    assert (tmp_path / f"{'my cat' if own else 'cat'}-layer1-blur.png").is_file()
    assert "After this edit: layer1" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_every_experiment_exports_a_vector_figure_with_its_manifest(coarse_lab, pictures, kind):
    result = run_experiment("matrix", coarse_lab, pictures[:1], ["layer1", "layer2"])
    about = "python -m explorer explore matrix cat"
    figure = encode_figure(lambda: draw_result(result, "The matrix"), kind, "The matrix", about)
    assert figure.startswith(b"<?xml" if kind == "svg" else b"%PDF")
    assert b"explore matrix cat" in figure


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """The options of a seventh experiment."""

    times: int = option(1, "how often the picture is mirrored", low=0)


def mirror(lab, pictures, layers, options) -> Generator[Result, None, None]:
    """All that a seventh experiment is."""
    images = pictures[0].images.flip(-1) if options.times % 2 else pictures[0].images
    yield Result([Shown("mirrored", "mirrored", images)], [{"times": options.times}])


MIRROR = Experiment("mirror", "Mirror", "It mirrors. That is all.", MirrorOptions, mirror)


def test_a_seventh_experiment_is_one_file_and_one_entry(coarse_lab, pictures, monkeypatch, tmp_path, capsys):
    from explorer.__main__ import main

    monkeypatch.setitem(EXPERIMENTS, "mirror", MIRROR)
    assert run_experiment("mirror", coarse_lab, pictures[:1], times=3).rows == [{"times": 3}]
    stand_in(coarse_lab, monkeypatch)
    assert main(["explore", "mirror", "cat", "--times", "1", "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["run"]["options"] == {"times": 1}
    assert (tmp_path / "out" / "mirrored.png").is_file()
