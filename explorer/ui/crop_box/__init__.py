"""The crop box: all of a photo, and on it the square that the network sees."""

from explorer.ui.crop_box.component import CHOOSABLE, build_crop_box, show_whole

__all__ = ["CHOOSABLE", "build_crop_box", "show_whole"]
