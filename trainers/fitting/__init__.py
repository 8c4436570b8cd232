"""Fitting one decoder: losses, optimisers, the loop and its validation."""
