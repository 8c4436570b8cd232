"""Invert the features of a pretrained ResNet-50, layer by layer, with honest numbers."""

__version__ = "0.1.0"
