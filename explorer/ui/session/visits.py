"""All visitors, as many as fit into memory: who has been idle longest goes first, and is told on return."""

from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from threading import Lock

from explorer.device import return_freed_memory
from explorer.ui.limits.uploads import UPLOADS
from explorer.ui.session.visit import Visit

# Who calls without an open page never leaves.
MAX_VISITS = 10_000
# Some 150 visitors with everything they can make, or thousands with a picture alone.
MAX_BYTES = 1_500_000_000
ANONYMOUS = "anonymous"


class Visits:
    """Visits by session; safe to use from several threads. A visit with a run under way never goes."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the visits that are kept."""
        return len(self._visits)

    def get(self, session: str | None) -> Visit:
        """Return this visitor's visit, a new one if there is none."""
        key = session or ANONYMOUS
        self._leave_behind()
        with self._lock:
            visit = self._visits.setdefault(key, Visit(key))
            self._visits.move_to_end(key)
            return visit

    def leave(self, session: str | None, address: str = "") -> None:
        """Forget a visitor who has closed the page, with the files of this address that nobody else has."""
        with self._lock:
            visit = self._visits.pop(session or ANONYMOUS, None)
            shown = {path for other in self._visits.values() for path in other.uploads}
        if visit is not None:
            visit.put(None)
            for path, times in visit.uploads.items():
                if UPLOADS.release(path, address, times) and path not in shown:
                    _delete(path)
            return_freed_memory()

    def make_room(self) -> None:
        """Bring the visits within their memory.

        First the races that could be resumed go, then all that was made from a picture, of those that
        have been idle longest first.
        """
        with self._lock:
            idle = [visit for visit in list(self._visits.values())[:-1] if not visit.is_busy]
            excess = sum(visit.nbytes for visit in self._visits.values()) - self._max_bytes
            for visit in idle:
                if excess <= 0:
                    return
                excess -= _drop_race(visit)
            for visit in idle:
                if excess <= 0:
                    return
                excess -= visit.nbytes
                visit.forget()

    def _leave_behind(self) -> None:
        """Forget those who came first when there are too many to remember."""
        while len(self._visits) >= MAX_VISITS:
            with self._lock:
                oldest = next((visit.session for visit in self._visits.values() if not visit.is_busy), None)
            if oldest is None:
                return
            self.leave(oldest)


def _delete(upload: Path) -> None:
    """Delete an uploaded file and its folder, which Gradio names after its content."""
    with suppress(OSError):  # What is gone or shared is no fault.
        upload.unlink()
        upload.parent.rmdir()


def _drop_race(visit: Visit) -> int:
    """Forget an idle visit's race and return how many bytes that frees."""
    run = visit.exploration and visit.exploration.run
    if run is None:
        return 0
    freed = run.race_nbytes
    run.drop_race()
    return freed
