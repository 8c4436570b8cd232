"""The queue of runs: who computes now, who next, and how a run's progress reaches its caller."""
