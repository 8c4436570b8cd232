from explorer.ui.session.queue import RunQueue, describe_place


def test_the_place_counts_the_running_one_and_those_who_came_before():
    queue = RunQueue()
    for who in ("a", "b", "b", "c"):
        queue.join(who)
    with queue.turn("a") as was_waiting:
        assert was_waiting
        assert [queue.before(who) for who in ("a", "b", "c")] == [None, 1, 2]
    assert queue.before("b") == 0


def test_who_has_left_is_not_wanted_at_the_turn():
    queue = RunQueue()
    queue.join("a")
    queue.leave("a")
    with queue.turn("a") as was_waiting:
        assert not was_waiting


def test_the_slot_is_free_after_a_run_that_failed():
    queue = RunQueue()
    queue.join("b")
    try:
        with queue.turn("a"):
            raise ValueError
    except ValueError:
        assert queue.before("b") == 0


def test_the_place_is_told_in_words():
    assert describe_place(None) == describe_place(0) == ""
    assert describe_place(1).startswith("One run is before yours")
    assert describe_place(3).startswith("3 runs are before yours")
