"""The compare slider: two pictures under one handle, a heat map, and what the network sees in both."""

from explorer.ui.compare_slider.component import SliderPicture, SliderValue, build_compare_slider

__all__ = ["SliderPicture", "SliderValue", "build_compare_slider"]
