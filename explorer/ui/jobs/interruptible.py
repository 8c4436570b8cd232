"""What every job has: it can be stopped for good, or paused for others, from any thread and at any time."""

from threading import Event


class Interruptible:
    """Keeps what others have asked of a job; the job looks when a step has ended."""

    def __init__(self) -> None:
        self.is_over = False
        self._stopping, self._pausing = Event(), Event()

    @property
    def is_stopping(self) -> bool:
        """Whether the job has been told to stop."""
        return self._stopping.is_set()

    @property
    def is_pausing(self) -> bool:
        """Whether the job has been told to let others take their turn."""
        return self._pausing.is_set()

    def stop(self) -> None:
        """End after the step at hand."""
        self._stopping.set()

    def pause(self) -> None:
        """Let others take their turn after the step at hand."""
        self._pausing.set()
