"""As many threads compute as there are desks, and who waits has none."""

import threading
from concurrent.futures import ThreadPoolExecutor

from llmrec.service.desks import Desks

WAIT_S = 60.0


def test_no_more_work_at_a_time_than_there_are_desks() -> None:
    desks, counting = Desks(2), threading.Lock()
    n_now, most = 0, 0

    def work(_: int) -> None:
        nonlocal n_now, most
        with desks.taken():
            with counting:
                n_now, most = n_now + 1, max(most, n_now + 1)
            with counting:
                n_now -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(64)))
    assert 1 <= most <= 2


def test_a_desk_that_was_left_is_anothers_until_its_owner_comes_back() -> None:
    desks = Desks(1)
    is_away, is_done = threading.Event(), threading.Event()

    def wait() -> bool:
        with desks.taken(), desks.left():
            is_away.set()
            return is_done.wait(WAIT_S)

    def work() -> None:
        assert is_away.wait(WAIT_S)
        with desks.taken():
            is_done.set()

    with ThreadPoolExecutor(2) as pool:
        waiting, working = pool.submit(wait), pool.submit(work)
        working.result(WAIT_S)
        assert waiting.result(WAIT_S)
    with desks.taken():
        pass
