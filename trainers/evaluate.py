"""Make the table layer x method x metric: ``python -m trainers.evaluate folder=… out=…``.

Under ``accelerate launch`` the pictures are shared out among the processes. Each finished picture is kept, so
the same command goes on where a killed one stopped.
"""

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from tqdm import tqdm

from explorer.benchmarks.table import lay_out, summarise, to_markdown, to_plain
from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import CHECKPOINTS
from explorer.images import read_picture
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction
from explorer.lines import append_line, read_lines
from explorer.metrics.functional import grid_ratio
from explorer.report.bundle import Result, make_record
from explorer.report.sheet import SheetPanel, contact_sheet, layer_panel, original_panel
from trainers.command import run_command
from trainers.config import as_dict
from trainers.evaluation import EvaluateConfig, Evaluation, settings_of
from trainers.runs.environment import describe_environment
from trainers.runs.processes import join_processes

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate as the command line says, and return the exit status."""
    return run_command(EvaluateConfig, evaluate, arguments)


def evaluate(config: EvaluateConfig) -> None:
    """Score all pictures in this process's share, then let the main process write the tables."""
    if config.threads:
        torch.set_num_threads(config.threads)
    accelerator = join_processes()
    evaluation = Evaluation(config, accelerator.device)
    # Those that take long first, so that every process gets as many of them.
    order = sorted(range(len(evaluation.paths)), key=evaluation.iterated.__contains__, reverse=True)
    share = order[accelerator.process_index :: accelerator.num_processes]
    folder = _records_folder(config)
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in read_lines(path)]
    kept: dict[int, list[dict[str, Any]]] = {line["index"]: line["records"] for line in lines}
    for index in tqdm(share, unit="picture", disable=not accelerator.is_main_process):
        if index not in kept:
            kept[index] = _measure(evaluation, index)
            # A file for each process, because appending to a common one is not safe on every disk.
            line = {"index": index, "records": kept[index]}
            append_line(folder / f"{accelerator.process_index}.jsonl", line)
    records = gather_object([record for index in share for record in kept[index]])
    if accelerator.is_main_process:
        write_tables(Path(config.out), records, {"config": as_dict(config), **describe_environment()})


def write_tables(out: Path, records: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> None:
    """Write table.md, table.csv and table.json, the last with every record and the manifest."""
    cells = summarise(records)
    (out / "table.md").write_text(to_markdown(lay_out(cells)), encoding="utf-8")
    cells.to_csv(out / "table.csv", index=False)
    plain = {"manifest": manifest, "cells": to_plain(cells), "records": list(records)}
    (out / "table.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _records_folder(config: EvaluateConfig) -> Path:
    """Name the folder of finished pictures after all that changes their figures, decoder files included."""
    plain = {key: value for key, value in as_dict(config).items() if key not in ("out", "threads")}
    plain["decoders"] = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for layer in config.layers
        for path in sorted(CHECKPOINTS.glob(f"*/{layer}-*.safetensors"))
    ]
    plain["inversions"] = [
        settings_of(config, layer, method).describe()
        for layer in config.layers
        for method in config.methods
        if is_iterative(method)
    ]
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]
    folder = Path(config.out) / f"pictures-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _measure(evaluation: Evaluation, index: int) -> list[dict[str, Any]]:
    """Make one picture's records, and its figure if it is among the first."""
    results = list(evaluation.results(index))
    if results and index < evaluation.config.grid_pictures:
        _draw_sheet(evaluation.paths[index], evaluation.names[index], results, Path(evaluation.config.out))
    return [{**make_record(result), "grid": _grid(result.reconstruction)} for result in results]


def _grid(made: Reconstruction) -> float | None:
    """Measure the borders between the cells of a picture's layer; None where it is flat between them."""
    ratio = grid_ratio(made.images, ARCHITECTURES[made.layer].stride).item()
    return ratio if math.isfinite(ratio) else None


def _draw_sheet(path: Path, name: str, results: Sequence[Result], out: Path) -> None:
    """Draw one picture's figure: a row per method, a column per layer, gaps where there is no decoder."""
    made = {(result.reconstruction.method, result.reconstruction.layer): result for result in results}
    layers = list(dict.fromkeys(layer for _, layer in made))
    original = original_panel(read_picture(path).images, name)
    panels: list[SheetPanel | None] = []
    for method in dict.fromkeys(method for method, _ in made):
        panels += [original, *(_panel(made.get((method, layer))) for layer in layers)]
    contact_sheet(panels, 1 + len(layers)).save(out / f"grid-{name}.png")


def _panel(result: Result | None) -> SheetPanel | None:
    if result is None:
        return None
    made = result.reconstruction
    return layer_panel(made.images, made.layer, made.method, result.scores)


if __name__ == "__main__":
    raise SystemExit(main())
