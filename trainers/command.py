"""How the trainers' programs run: ``key=value`` settings over a configuration, and one line for bad input.

Exit status 0 is success, 2 bad input, 130 an interruption, as of ``python -m explorer``.
"""

import logging
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from explorer.endings import BAD_INPUT, INTERRUPTED, SUCCESS
from explorer.errors import ExplorerError
from trainers import IMPORTS
from trainers.config import Config, load_config


def run_command(
    kind: type[Config],
    function: Callable[[Config], None],
    arguments: Sequence[str] | None = None,
    presets: Path | None = None,
) -> int:
    """Call a function with the configuration that the command line describes, and return the exit status.

    Where there are presets, a folder of YAML files, the first word of the command line names one of them.
    """
    IMPORTS.close()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options = _build_parser(kind, function.__module__, presets).parse_args(arguments)
    path = options.config or (presets and presets / f"{options.preset}.yaml")
    try:
        function(load_config(kind, path, options.settings))
    except (ExplorerError, OSError) as error:  # Such as a full disk, or a folder that went away.
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what is saved.", file=sys.stderr)
        return INTERRUPTED
    return SUCCESS


def _build_parser(kind: type, module: str, presets: Path | None) -> ArgumentParser:
    """Describe the command line by the program's docstring and the defaults of its settings."""
    program = sys.modules[module]
    parser = ArgumentParser(
        f"python -m {program.__spec__.name if program.__spec__ else module}",
        description=program.__doc__,
        epilog=f"settings and their defaults:\n\n{OmegaConf.to_yaml(OmegaConf.structured(kind))}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    if presets:
        known = sorted(path.stem for path in presets.glob("*.yaml"))
        parser.add_argument("preset", choices=known, help="whose settings to start from")
    parser.add_argument("--config", type=Path, help="a YAML file of settings to start from")
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE", help="such as steps=1000 data.source=folder"
    )
    return parser
