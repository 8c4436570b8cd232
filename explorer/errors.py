"""The base of every error that a user's input or this machine can cause."""


class ExplorerError(ValueError):
    """An error whose message is one clear line: what was got, and what to do about it.

    The command line, the trainers' programs and the page show the message alone; anything else that is raised
    is a fault of the program and keeps its traceback.
    """


class MetricUnavailable(ExplorerError):
    """A metric that cannot be computed here; the message says why."""
