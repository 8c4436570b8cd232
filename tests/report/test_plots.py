"""The figures say what the histories say."""

from explorer.lab.run import Record
from explorer.report.plots import history_figure

HISTORY = tuple(
    Record(
        step=i,
        evaluations=2 * i + 1,
        seconds=i / 10,
        losses={"feature": 0.5**i, "total": 1.0},
        psnr_db=10.0 + i,
    )
    for i in range(30)
)


def test_the_history_figure_draws_both_numbers_of_every_step_and_names_each_layer_once():
    traces = history_figure({"layer1": HISTORY, "layer4": HISTORY[:5]}).to_dict()["data"]
    drawn = [(trace["name"], trace["yaxis"], list(trace["x"]), list(trace["y"])) for trace in traces]
    for layer, history in (("layer1", HISTORY), ("layer4", HISTORY[:5])):
        across = [record.evaluations for record in history]
        assert (layer, "y", across, [record.psnr_db for record in history]) in drawn
        assert (layer, "y2", across, [record.losses["feature"] for record in history]) in drawn
    named = [trace["name"] for trace in traces if trace.get("showlegend", True)]
    assert sorted(named) == ["layer1", "layer4"]
