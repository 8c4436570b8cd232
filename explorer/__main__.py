"""`python -m explorer`: the lab without a browser.

Progress and errors go to stderr. Exit status 0 is success, 2 bad input, 3 a shortage of memory, 130 an
interruption, each but the first with one clear line.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import NoReturn

from explorer.endings import (
    BAD_INPUT,
    INTERRUPTED,
    SUCCESS,
    accept_any_terminal,
    check_system,
    end_at_once,
    explain,
    importing,
    raise_on_signals,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    accept_any_terminal()
    try:
        check_system()
        output = _run(sys.argv[1:] if arguments is None else arguments)
    except (Exception, KeyboardInterrupt) as error:
        status = explain(error)
        if status is None:
            raise
        return status
    print(output)
    return SUCCESS


def _run(arguments: Sequence[str]) -> str:
    with importing():
        # Here, so that a shortage of memory ends in one line while torch is imported too.
        from explorer.device import keep_freed_memory
        from explorer.report.bundle import repeat_command

        parser = _build_parser()
    options = parser.parse_args(arguments)
    options.command_line = repeat_command(*arguments)
    keep_freed_memory()
    # Programs read stdout, so only the command's own words go there; torch.hub would write there too.
    with redirect_stdout(sys.stderr):
        return options.run(options)


class _Parser(ArgumentParser):
    """An ArgumentParser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"explorer: error: {message} (see {self.prog} --help)\n")


def _build_parser() -> ArgumentParser:
    from explorer.commands import COMMANDS

    parser = _Parser(prog="python -m explorer", description="Invert the features of a pretrained ResNet-50.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.summary)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    raise_on_signals()
    STATUS = main()
    if STATUS == INTERRUPTED:
        end_at_once(STATUS)
    sys.exit(STATUS)
