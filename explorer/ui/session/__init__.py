"""What the page knows of its visitors: their pictures and their runs."""
