"""The commands of `python -m explorer`: each adds its arguments to a parser and runs on what was parsed."""
