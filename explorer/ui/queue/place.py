"""A run's place in the queue, and the words that tell it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket stands: how many begin before it, how many take turns, seconds until it is done."""

    ahead: int
    sharing: int
    seconds: float
    has_begun: bool


def describe_place(place: Place) -> str:
    """Tell a visitor the place, and about how long the run will take."""
    if place.sharing <= 1 and place.has_begun:
        return ""
    if place.has_begun:
        others = place.sharing - 1
        turns = "one other run" if others == 1 else f"{others} other runs"
        return f"Taking turns with {turns}: done in {_describe_seconds(place.seconds)}."
    before = place.ahead
    if not before:
        return "Your run begins at once."
    runs = "One run begins" if before == 1 else f"{before} runs begin"
    return f"{runs} before yours, which then begins by itself; done in {_describe_seconds(place.seconds)}."


def describe_left(seconds: float | None) -> str:
    """Tell how long a run that has the machine alone will take from here; None before there is a pace."""
    return "Running …" if seconds is None else f"Running: done in {_describe_seconds(seconds)}."


def _describe_seconds(seconds: float) -> str:
    """Round a duration to what an estimate can promise."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} seconds"
    return f"about {round(seconds / 60)} minutes"
