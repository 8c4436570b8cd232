"""What the queue works on: races, reconstructions for programs, and experiments, in slices."""
