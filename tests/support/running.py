"""Runs commands inside the test's process."""

from explorer.__main__ import main

SIDE = 64  # Of the pictures that the tiny network sees.


def run_command(*words: object) -> int:
    """Run one command and return its exit status, also where argparse itself ends the program."""
    try:
        return main([str(word) for word in words])
    except SystemExit as ended:
        return int(ended.code or 0)


def reconstruct(*words: object) -> int:
    """Run `reconstruct` on small pictures, unless the words say otherwise."""
    return run_command("reconstruct", "--size", SIDE, *words)
