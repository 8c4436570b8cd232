"""Inversion: search a picture by its features, step by step."""
