"""What an experiment leaves: charts, vector figures, a folder with its report, and Python that repeats it."""
