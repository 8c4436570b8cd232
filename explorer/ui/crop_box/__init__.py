"""The crop box: all of a visitor's photo, and on it the square that the network sees."""

from explorer.ui.crop_box.component import OWN, build_crop_box, show_whole

__all__ = ["OWN", "build_crop_box", "show_whole"]
