"""Metrics: how close a reconstruction is to the picture and to its features."""
