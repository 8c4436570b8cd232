"""The Explore tab at work: its events, what they answer, and its export."""
