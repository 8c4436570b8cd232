"""Pure functions on feature maps: edits, mixtures and statistics."""
