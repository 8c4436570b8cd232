"""Where the Explore tab shows an experiment's pictures, sentences, charts and table."""

from explorer.ui.explore_stage.component import build_explore_stage, show_nothing, show_result

__all__ = ["build_explore_stage", "show_nothing", "show_result"]
