"""The table of numbers has no column of dashes."""

from explorer.metrics.scores import Scores
from explorer.ui.stage.table import make_row, make_table


def test_a_metric_that_no_layer_has_gets_no_column() -> None:
    known = {"psnr_db": 20.0, "feature_error": 0.25}
    rows = [
        make_row("layer1", Scores(known), 7, 1.5),
        make_row("layer2", Scores({**known, "ssim": 0.5}), 9, 2.0),
    ]
    table = make_table(rows)
    assert table.columns == ("PSNR, dB", "SSIM", "feature error", "evaluations", "seconds")
    assert [row.cells for row in table.rows] == [
        ("20.00", "–", "0.250", "7", "1.5"),
        ("20.00", "0.500", "0.250", "9", "2.0"),
    ]
