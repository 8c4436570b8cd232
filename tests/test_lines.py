"""Files of lines survive a kill."""

from pathlib import Path

from explorer.lines import append_line, read_lines


def test_a_line_that_a_kill_cut_short_is_left_out_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lines.jsonl"
    assert read_lines(path) == []
    append_line(path, {"step": 1})
    with path.open("a") as file:
        file.write('\n{"step": 2, "lo')
    append_line(path, {"step": 3})
    assert read_lines(path) == [{"step": 1}, {"step": 3}]
