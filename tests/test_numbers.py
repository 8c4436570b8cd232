"""Numbers of the command lines: what is out of bounds is refused with what is allowed."""

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

import app
from explorer.numbers import parse_between, parse_positive, parse_seconds


@pytest.mark.parametrize(
    ("parse", "text", "told"),
    [
        (parse_positive, "0", "must be at least 1, not 0"),
        (lambda text: parse_between(text, 32, 64), "65", "must be from 32 to 64, not 65"),
        *[(parse_seconds, text, "must be above 0") for text in ("0", "-1", "nan", "inf", "1e400")],
    ],
)
def test_numbers_out_of_bounds_are_refused(parse: Callable, text: str, told: str) -> None:
    with pytest.raises(ArgumentTypeError, match=told):
        parse(text)


@pytest.mark.parametrize("option", ["--runs", "--runs-per-address"])
@pytest.mark.parametrize("given", ["-1", "0"])
def test_the_page_refuses_less_than_one_run(
    option: str, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", option, given])
    with pytest.raises(SystemExit) as ended:
        app.parse_options()
    assert ended.value.code == 2
    assert f"argument {option}: must be at least 1, not {given}" in capsys.readouterr().err
