"""The static page: stages, styles and scripts of the live page, their values in files; it needs no server."""
