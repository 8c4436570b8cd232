"""`python -m explorer`: the lab without a browser.

Progress and errors go to stderr. Exit status 0 is success, 2 bad input (one clear line), 130 an interruption.
"""

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import NoReturn
from warnings import filterwarnings

import PIL.Image

from explorer.commands import COMMANDS
from explorer.errors import ExplorerError
from explorer.machine import keep_freed_memory
from explorer.report.bundle import repeat_command

SUCCESS, BAD_INPUT_STATUS, INTERRUPTED_STATUS = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _build_parser().parse_args(arguments)
    options.command_line = repeat_command(*arguments)
    # Pillow warns of large pictures on stderr; our own, lower limit refuses them in one line.
    filterwarnings("ignore", category=PIL.Image.DecompressionBombWarning)
    try:
        # Programs read stdout, so only the command's own words go there; torch.hub would write there too.
        with redirect_stdout(sys.stderr):
            output = options.run(options)
    except (ExplorerError, OSError) as error:  # OSError: a full disk, or a folder that went away.
        print(f"explorer: error: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT_STATUS
    except KeyboardInterrupt:
        print("explorer: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED_STATUS
    print(output)
    return SUCCESS


class _Parser(ArgumentParser):
    """An ArgumentParser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT_STATUS, f"explorer: error: {message} (see {self.prog} --help)\n")


def _build_parser() -> ArgumentParser:
    parser = _Parser(prog="python -m explorer", description="Invert the features of a pretrained ResNet-50.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.summary)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    # As after Ctrl-C, the folder of an unfinished run is removed on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keep_freed_memory()
    sys.exit(main())
