"""The notebook calls every experiment, and its cells run as they are."""

import json
from pathlib import Path

import pytest

import explorer.experiments
from explorer.examples import load_example
from explorer.experiments import EXPERIMENTS
from explorer.images import Picture
from explorer.lab.lab import Lab
from tests.support.made import SIZE as SIDE
from tests.support.tiny import stand_in

NOTEBOOK = Path(explorer.experiments.__file__).with_name("experiments.ipynb")


def read_cells() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_has_a_cell_of_three_lines_for_every_experiment() -> None:
    _, *cells = read_cells()
    assert [cell.split('"')[1] for cell in cells] == list(EXPERIMENTS)
    assert all(len(cell.splitlines()) == 3 for cell in cells)


@pytest.mark.slow
@pytest.mark.usefixtures("few_pictures_to_fit")
def test_every_cell_of_the_notebook_runs(coarse_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(name: str) -> Picture:
        return load_example(name, size=SIDE)

    stand_in(coarse_lab, monkeypatch)
    names = {}
    for cell in read_cells():
        exec(compile(cell, NOTEBOOK.name, "exec"), names)
        if "result" in names:
            assert names["result"].rows
            assert names["figure"].get_axes() or names["figure"].subfigs
        names |= {"cat": small("cat"), "coffee": small("coffee")}
