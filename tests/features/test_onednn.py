"""The layouts of weights, as oneDNN itself reports them in a process of its own."""

import os
import subprocess
import sys
import textwrap

import pytest
import torch

from explorer.features.onednn import find_operators

MARK = "everything is laid out"
# As the page does it: laid out by a thread with two cores, run by a worker that has one, and back.
PROGRAM = """
    import torch
    from concurrent.futures import ThreadPoolExecutor
    from torchvision.models import resnet50
    from explorer.features.trunk import build_trunk

    torch.set_num_threads(2)
    trunk = build_trunk(resnet50().eval(), "layer3")

    def evaluate():
        images = torch.rand(1, 3, 224, 224, requires_grad=True)
        trunk(images)["layer3"].sum().backward()

    def evaluate_on_one_core():
        torch.get_num_threads()
        torch.set_num_threads(1)
        evaluate()

    with ThreadPoolExecutor(1) as pool:
        evaluate()
        pool.submit(evaluate_on_one_core).result()
        print({mark!r}, flush=True)
        evaluate()
        pool.submit(evaluate_on_one_core).result()
"""


@pytest.mark.slow
@pytest.mark.skipif(find_operators() is None, reason="this PyTorch lacks oneDNN's operators")
def test_no_weight_is_converted_again_whatever_the_threads_that_run():
    program = textwrap.dedent(PROGRAM).format(mark=MARK)
    environment = {**os.environ, "ONEDNN_VERBOSE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    before, after = ran.stdout.split(MARK)
    if torch.backends.mkldnn.is_available():
        assert "exec,cpu,convolution" in after
        assert "exec,cpu,reorder" in before
    assert not [line for line in after.splitlines() if "exec,cpu,reorder" in line]
