"""Worker threads share the cores, and are not waited for when they cannot start."""

from threading import Thread

import pytest
import torch

from explorer.lab.workers import start_workers


def test_a_thread_that_cannot_start_is_an_error_and_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    started, start = [], Thread.start

    def start_one(thread: Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    before = torch.get_num_threads()
    monkeypatch.setattr(Thread, "start", start_one)
    with pytest.raises(RuntimeError, match="can't start new thread"), start_workers(2):
        pass
    assert not started[0].is_alive()
    monkeypatch.undo()
    assert torch.get_num_threads() == before
    with start_workers(2) as pool:
        assert list(pool.map(abs, [-1, -2, -3])) == [1, 2, 3]
