"""Benchmarks: times on this machine, and the comparison with the loops that users write."""
