"""The export: every reconstruction with its scores, and commands that repeat each of them."""

import json
import shlex
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest

from explorer.__main__ import main
from explorer.decoding.decode import decode
from explorer.decoding.square import Crop
from explorer.examples import load_example
from explorer.features.backbone import Backbone
from explorer.images import Picture, encode_png, quantise, read_picture
from explorer.lab.lab import Lab
from explorer.ui.export import pack_exploration, write_commands
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.made import Made
from explorer.ui.session.options import RunOptions
from explorer.ui.session.visit import Decoded, Exploration
from explorer.ui.stage import StageValue
from tests.support.photos import cat
from tests.support.tiny import stand_in

STEPS = 3


@pytest.fixture(scope="module")
def picture() -> Picture:
    return Picture("cat", quantise(load_example("cat", size=64).images))


@pytest.fixture
def exploration(coarse_lab: Lab, picture: Picture) -> Exploration:
    decoded = {layer: coarse_lab.at(layer).reconstruct(picture, "linear") for layer in ("layer1", "layer2")}
    return Exploration(picture, "cat", decoded=Decoded(Made(picture, decoded), StageValue("a run", None)))


def optimise(lab: Lab, exploration: Exploration, **changes: object) -> None:
    options = RunOptions(steps=STEPS, layers=("layer1", "layer3"), **changes)  # pyright: ignore[reportArgumentType]
    run = LiveRun(lab, exploration.given, options)
    exploration.begin(run)
    while not run.is_over:
        for progress in run.advance(60):
            run.show(progress)


def commands(backbone: Backbone, exploration: Exploration) -> list[str]:
    made = [*exploration.decoded_results.values(), *exploration.optimised_results.values()]
    return write_commands(backbone, made, exploration.run)


def words(command: str) -> list[str]:
    return shlex.split(command)


def test_layers_made_alike_share_a_command(coarse_lab: Lab, exploration: Exploration) -> None:
    optimise(coarse_lab, exploration, seed=7)
    decoded, optimised = map(words, commands(coarse_lab.backbone, exploration))
    assert decoded[decoded.index("--layers") + 1] == "layer1,layer2"
    assert "--steps" not in decoded
    assert optimised[optimised.index("--layers") + 1] == "layer1,layer3"
    assert optimised[optimised.index("--steps") + 1] == str(STEPS)
    assert optimised[optimised.index("--seed") + 1] == "7"
    assert "--set" not in optimised


def test_a_command_names_a_network_that_is_no_resnet50(coarse_lab: Lab, exploration: Exploration) -> None:
    backbone = replace(coarse_lab.backbone, architecture="vgg16", source="/home/me/mine.pth")
    (command,) = map(words, commands(backbone, exploration))
    assert command[command.index("--backbone") + 1] == "vgg16"
    assert command[command.index("--weights") + 1] == "mine.pth"
    (plain,) = map(words, commands(coarse_lab.backbone, exploration))
    assert "--backbone" not in plain


def test_what_differs_from_the_tuned_settings_is_in_the_command(
    coarse_lab: Lab, exploration: Exploration
) -> None:
    optimise(coarse_lab, exploration, prior=0.0)
    command = words(commands(coarse_lab.backbone, exploration)[-1])
    assert "total_variation=0" in command[command.index("--set") + 1 :]


def test_the_export_tells_the_square_and_its_command_takes_it_from_the_photo(
    coarse_lab: Lab, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(coarse_lab, monkeypatch)
    crop = Crop(0.3, 0.5, 0.6)
    cat(200, 100).save(tmp_path / "mine.png")
    picture = read_picture(tmp_path / "mine.png", size=64, crop=crop, decoder=decode)
    decoded = {"layer1": coarse_lab.at("layer1").reconstruct(picture, "linear")}
    made = Decoded(Made(picture, decoded), StageValue("a run", None))
    packed = pack_exploration(coarse_lab, Exploration(picture, crop=crop, decoded=made))
    with ZipFile(BytesIO(packed)) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    note, command = files["command.txt"].decode().splitlines()
    assert note == "# original.png is the square of the photo that --crop 0.3,0.5,0.6 takes."
    assert json.loads(files["config.json"])["crop"] == [0.3, 0.5, 0.6]
    monkeypatch.chdir(tmp_path)
    again = command.replace("original.png", "mine.png --crop 0.3,0.5,0.6 --size 64")
    assert main(words(again)[3:]) == 0
    for name in ("original.png", "layer1-linear.png"):
        (repeated,) = tmp_path.glob(f"repeated-*/mine/{name}")
        assert repeated.read_bytes() == files[name]


def test_the_commands_make_the_same_pictures_again(
    coarse_lab: Lab,
    picture: Picture,
    exploration: Exploration,
    tmp_path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(coarse_lab, monkeypatch)
    monkeypatch.chdir(tmp_path)
    optimise(coarse_lab, exploration)
    with ZipFile(BytesIO(pack_exploration(coarse_lab, exploration))) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    (tmp_path / "original.png").write_bytes(files["original.png"])
    for command in files["command.txt"].decode().splitlines():
        python, module, explorer, *arguments = words(command)
        assert (python, module, explorer) == ("python", "-m", "explorer")
        assert main([*arguments, "--size", "64"]) == 0
    for made in ("layer1-linear", "layer2-linear", "layer1-optimiser", "layer3-optimiser"):
        (again,) = tmp_path.glob(f"repeated-*/*/{made}.png")
        assert again.read_bytes() == files[f"{made}.png"]
    assert files["original.png"] == encode_png(picture.images)
    assert "run.gif" in files
    assert main(["features", "original.png", "--size", "64", "--out", "again.safetensors"]) == 0
    assert (tmp_path / "again.safetensors").read_bytes() == files["features.safetensors"]
