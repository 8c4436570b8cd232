import base64
import re
from pathlib import Path

import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from explorer.features.recorded import RecordedFeatures

pytestmark = pytest.mark.usefixtures("fast_judge")

README = Path(__file__).parents[2] / "explorer" / "ui" / "README.md"


@pytest.fixture(scope="module")
def client(address) -> Client:
    return Client(address, verbose=False)


def test_only_the_endpoints_for_programs_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {
        "/reconstruct", "/features", "/optimise", "/explore", "/metrics", "/layers", "/health"
    }  # fmt: skip
    parameters = endpoints["/reconstruct"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == [
        "image",
        "layer",
        "method",
        "steps",
        "seed",
    ]


def test_reconstruct_returns_a_picture_and_scores(client):
    result = client.predict("cat", "layer1", "optimiser", 5, 0, api_name="/reconstruct")
    assert result["image"].startswith("data:image/png;base64,")
    assert result["steps"] == 5
    assert result["scores"]["psnr_db"] > 0


def test_features_go_out_and_come_in_again_as_the_same_picture(client):
    recorded = client.predict("cat", "layer1", api_name="/features")
    assert recorded["shape"] == [256, 56, 56]
    made = [
        client.predict(source, "layer1", "optimiser", 3, 0, api_name="/reconstruct")
        for source in ("cat", recorded["file"])
    ]
    assert made[0]["image"] == made[1]["image"]
    assert made[1]["scores"]["psnr_db"] is None
    assert "no original picture" in made[1]["scores"]["reasons"]["psnr_db"]
    with pytest.raises(AppError, match="no features of layer2: it has layer1"):
        client.predict(recorded["file"], "layer2", "optimiser", 3, 0, api_name="/reconstruct")


def test_features_of_a_large_picture_are_refused_before_the_network_computes_one(client):
    large = RecordedFeatures("large", {"layer1": torch.zeros(1, 256, 4, 4)}, (2048, 2048))
    file = base64.b64encode(large.pack()).decode()
    with pytest.raises(AppError, match="is of a picture of 2048 x 2048 pixels; the page takes 224 x 224"):
        client.predict(file, "layer1", "optimiser", 3, 0, api_name="/reconstruct")


def test_optimise_streams_its_steps(client):
    job = client.submit("cat", "layer1", "optimiser", 20, 0, api_name="/optimise")
    last = job.result(timeout=120)
    assert last["state"] == "finished"
    assert last["evaluations"] == 20
    assert job.outputs()[0]["step"] == 0


def test_a_picture_equals_itself(client):
    scores = client.predict("cat", "cat", api_name="/metrics")
    assert scores["psnr_db"] is None
    assert scores["reasons"]["psnr_db"] == "infinite: the pictures are equal"
    assert scores["ssim"] == pytest.approx(1)


def test_layers_say_what_runs_and_why_not(client):
    layers = client.predict(api_name="/layers")
    assert [layer["layer"] for layer in layers] == ["layer1", "layer2", "layer3", "layer4"]
    assert "optimiser" in layers[0]["methods"]
    assert "not available for these weights yet" in layers[0]["unavailable"]["decoder"]


def test_health_names_the_weights(client):
    assert client.predict(api_name="/health")["weights"] == "tiny"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense!", "layer1", "optimiser", 5, 0), "must be an example's name"),
        ((base64.b64encode(b"no image").decode(), "layer1", "optimiser", 5, 0), "Couldn't read this file"),
        (("cat", "layer9", "optimiser", 5, 0), "layer9"),
        (("cat", "layer1", "magic", 5, 0), "Unknown method"),
        (("cat", "layer1", "optimiser", 0, 0), "steps must be a whole number from 1 to 1000, not 0"),
        (("cat", "layer1", "decoder", 5, 0), "not available for these weights yet"),
    ],
)
def test_mistakes_are_explained(client, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(*arguments, api_name="/reconstruct")


def test_the_example_of_the_readme_runs_as_written(address, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    code = example.replace("http://127.0.0.1:7860", address)
    exec(compile(code, "README", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert any("data:image/png;base64," in line for line in lines)
    steps = [int(line.split()[0]) for line in lines if re.fullmatch(r"\d+ [\d.]+", line)]
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert steps[-1] > 0
