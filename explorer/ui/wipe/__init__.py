"""The wipe: two pictures under a slider that the keyboard can move, a heat map, the network's opinion."""

from explorer.ui.wipe.component import WipePicture, WipeValue, build_wipe

__all__ = ["WipePicture", "WipeValue", "build_wipe"]
