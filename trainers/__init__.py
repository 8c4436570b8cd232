"""The trainers: decoders from ImageNet-1K, their evaluation, and the recorded runs of the page."""
