"""What a training leaves: its folder, its processes, its tables."""
