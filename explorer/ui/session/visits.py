"""All visitors, as many as fit into memory: the one idle longest goes first, and is told on return."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from explorer.device import return_freed_memory
from explorer.ui.limits.uploads import UPLOADS
from explorer.ui.listeners import LISTENERS, page_of
from explorer.ui.queue.limits import MOST_KEPT_BYTES
from explorer.ui.session.visit import Source, Visit

# Who calls without an open page never leaves.
MAX_VISITS = 10_000
ANONYMOUS = "anonymous"
# For a phone that shows another app, or a network that was lost.
AWAY_SECONDS = 120.0


class Visits:
    """Visits by session; safe to use from several threads. A visit with a run under way never goes."""

    def __init__(self, max_bytes: int = MOST_KEPT_BYTES, now: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._now = now
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
            visit.away_since = None
            return visit

    def step_out(self, session: str | None, address: str = "") -> None:
        """Note that a visitor's page has closed, maybe for a moment, as on a phone that shows another app."""
        with self._lock:
            visit = self._visits.get(session or ANONYMOUS)
        if visit is not None:
            visit.step_out(self._now(), address)

    def is_present(self, session: str) -> bool:
        """Whether a session has a visit that is not away."""
        with self._lock:
            visit = self._visits.get(session)
            return visit is not None and visit.away_since is None

    def move(self, session: str, to: str) -> Source | None:
        """Let a page that was loaded anew have what a visit that is away had; return its picture's source."""
        with self._lock:
            before = self._visits.get(session)
            if before is None or before.away_since is None or before.source is None:
                return None
            del self._visits[session]
            after = self._visits.setdefault(to, Visit(to))
            after.has_lost_run, after.returning = before.has_lost_run, before.source
            after.uploads += before.uploads
            if before.source.path is not None:  # It is about to be laid down, and counted, once more.
                after.uploads -= Counter([Path(before.source.path)])
        before.put(None)
        return before.source

    def sweep(self) -> list[str]:
        """Forget the visitors who have not come back, and return their sessions."""
        until = self._now() - AWAY_SECONDS
        with self._lock:
            away = [one for one in self._visits.values() if (one.away_since or math.inf) <= until]
        gone = [visit for visit in away if not LISTENERS.listens(page_of(visit.session))]
        for visit in gone:
            self.leave(visit.session, visit.address)
        return [visit.session for visit in gone]

    def leave(self, session: str | None, address: str = "") -> None:
        """Forget a visitor for good, with the files of this address that nobody else has."""
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
            memory = _Memory(self._visits.values())
            for visit in idle:
                if memory.nbytes <= self._max_bytes:
                    return
                _drop_race(visit)
                memory.look_again(visit)
            for visit in idle:
                if memory.nbytes <= self._max_bytes:
                    return
                visit.forget()
                memory.look_again(visit)

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


def _drop_race(visit: Visit) -> None:
    """Forget an idle visit's race."""
    if visit.exploration is not None and visit.exploration.run is not None:
        visit.exploration.run.drop_race()


class _Memory:
    """How much memory visits take together; what several of them share counts once."""

    def __init__(self, visits: Iterable[Visit]) -> None:
        self.nbytes = 0
        self._held: dict[str, dict[int, int]] = {}
        self._owners = Counter[int]()
        for visit in visits:
            self.look_again(visit)

    def look_again(self, visit: Visit) -> None:
        """Take in what a visit holds now."""
        before, now = self._held.get(visit.session, {}), visit.held
        self._held[visit.session] = now
        for key, size in before.items():
            self._owners[key] -= 1
            self.nbytes -= 0 if self._owners[key] else size
        for key, size in now.items():
            self.nbytes += 0 if self._owners[key] else size
            self._owners[key] += 1
