"""The command `benchmark`: what this machine does in which time."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import pandas as pd
from tqdm import tqdm

from explorer.benchmarks.comparison import compare, start_method
from explorer.benchmarks.curve import Curve
from explorer.benchmarks.throughput import measure_throughput
from explorer.benchmarks.timing import measure_decode_time, measure_machine, measure_step_time
from explorer.commands import measuring
from explorer.commands.inputs import load_lab, read_pictures
from explorer.examples import EXAMPLES
from explorer.numbers import parse_positive, parse_seconds

METHOD, DECODER = "optimiser", "decoder"
THRESHOLDS_DB = (12, 14, 16, 18, 20, 22, 24)
STEPS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    measuring.add_arguments(parser, STEPS)
    parser.add_argument(
        "--rounds", type=parse_positive, default=30, help="timings in a median (default: %(default)s)"
    )
    parser.add_argument(
        "--race-seconds", type=parse_seconds, default=8.0, help="length of each race (default: %(default)s)"
    )
    parser.add_argument(
        "--images", nargs="+", metavar="IMAGE", default=EXAMPLES[:3], help="pictures to measure on"
    )


def run(options: Namespace) -> str:
    """Measure, and return tables or JSON."""
    settings = measuring.choose_settings(options, METHOD)
    read = read_pictures(options.images, size=options.size)
    pictures = [replace(one.picture, name=one.shown) for one in read]
    lab = load_lab(options.weights)
    step_times = [
        measure_step_time(lab, pictures[0], layer, chosen, options.rounds)
        for layer, chosen in tqdm(settings.items(), "step times", disable=None)
    ]
    decode_times = [
        measure_decode_time(lab, pictures[0], layer, DECODER, options.rounds)
        for layer in tqdm(settings, "decode times", disable=None)
        if lab.at(layer).unavailable(DECODER) is None
    ]
    machine = measure_machine(lab.device)
    throughputs = measure_throughput(lab, pictures[0], settings, machine, options.race_seconds)
    curves = compare(lab, pictures, list(settings), {METHOD: start_method(METHOD, settings)})
    tables = {
        "machine": pd.DataFrame([machine]),
        "step_times": pd.DataFrame(step_times),
        "decode_times": pd.DataFrame(decode_times),
        "race": pd.DataFrame(tqdm(throughputs, "races", disable=None)),
        "time_to_quality": measure_times_to_quality(curves),
    }
    return measuring.show(options, tables)


def measure_times_to_quality(curves: Sequence[Curve]) -> pd.DataFrame:
    """Return median seconds to each PSNR over the pictures that reached it, by layer."""
    rows = []
    for layer in dict.fromkeys(curve.layer for curve in curves):
        runs = [curve for curve in curves if curve.layer == layer]
        for psnr_db in THRESHOLDS_DB:
            times = [seconds for run in runs if (seconds := run.seconds_to(psnr_db)) is not None]
            rows.append((layer, psnr_db, len(times), len(runs), median(times) if times else float("nan")))
    return pd.DataFrame(rows, columns=["layer", "psnr_db", "reached", "pictures", "seconds"])
