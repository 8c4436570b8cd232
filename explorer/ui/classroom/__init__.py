"""The classroom: a tour, guesses with a score, lesson links: scripts for the live and the static page."""
