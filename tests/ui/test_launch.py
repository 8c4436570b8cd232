"""Which networks the page takes, and what it says of the others."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from explorer.features.layers import LAYERS
from explorer.features.network import RESNET50_NETWORK, survey
from explorer.features.state import WeightsError
from explorer.ui.launch import BackboneError, find_network

ROOT = Path(__file__).parents[2]
# Where nothing answers, of a kind that httpx does not know, and networks that it takes for addresses.
PROXIES = {
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "::1/128",
}


@pytest.mark.slow  # It starts the program.
@pytest.mark.parametrize(("host", "asked"), [("::", "[::1]"), ("::1", "[::1]")])
def test_the_page_opens_at_ipv6_addresses_whatever_proxies_there_are(host: str, asked: str) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "app.py", "--weights", "untrained", "--host", host, "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **PROXIES, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("http" in line for line in process.stdout), process.wait()
        answer = httpx.get(f"http://{asked}:{port}/", trust_env=False, timeout=60)
        process.send_signal(signal.SIGTERM)
    assert answer.status_code == httpx.codes.OK


def test_resnet50_is_known_without_a_look() -> None:
    assert survey("resnet50") == RESNET50_NETWORK
    assert RESNET50_NETWORK.title == "ResNet-50"


def test_a_network_with_the_four_layers_of_a_resnet_shows_these() -> None:
    network = survey("resnet18")
    assert network.layers == LAYERS
    assert network.maps["layer1"] == (64, 56, 56)
    assert network.output == "fc"


@pytest.mark.parametrize("name", ["mobilenet_v2", "convnext_tiny", "vit_b_16"])
def test_any_other_network_shows_the_layers_that_it_offers(name: str) -> None:
    network = survey(name)
    assert network.layers
    assert network.title == name


def test_a_network_without_maps_is_answered_with_some_that_have_them() -> None:
    with pytest.raises(BackboneError, match=r"alexnet has none\. Use vgg16"):
        find_network("alexnet")


def test_an_unknown_network_is_answered_with_names_like_it() -> None:
    with pytest.raises(WeightsError, match=r"Did you mean.*vgg16"):
        survey("vgg61")
