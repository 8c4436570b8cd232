"""What the page knows of its visitors: their pictures, their runs, and who waits."""
