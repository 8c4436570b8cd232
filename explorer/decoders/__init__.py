"""Decoders: from one layer's features back to the picture, in one pass."""
