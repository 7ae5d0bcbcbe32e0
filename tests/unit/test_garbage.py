"""How often garbage is looked for; in fresh processes where the threshold stays another, as a process has one."""

import gc
import subprocess
import sys
import threading

import pytest

from clockifyrag_index.garbage import SELDOM, WHILE_STARTING, seldom_collected


def printed(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import gc\nfrom clockifyrag_index.garbage import *\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_within_the_block_it_is_looked_for_seldom_and_then_as_before() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), seldom_collected():
        with seldom_collected():
            assert gc.get_threshold()[0] == SELDOM
        assert gc.get_threshold()[0] == SELDOM
        1 / 0  # noqa: B018
    assert gc.get_threshold() == before


def test_blocks_of_two_threads_end_with_the_last_one() -> None:
    before = gc.get_threshold()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with seldom_collected():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with seldom_collected():
        thread.start()
        assert inside.wait(10)
    assert gc.get_threshold()[0] == SELDOM
    leave.set()
    thread.join()
    assert gc.get_threshold() == before


def test_what_stands_when_a_process_has_started_is_never_looked_at_again() -> None:
    threshold, frozen, usual = printed(
        "put_off_collection(); print(gc.get_threshold()[0]); collect_as_usual()\n"
        "print(gc.get_freeze_count() > 1000, gc.get_threshold() == USUAL)"
    )

    assert (int(threshold), frozen, usual) == (WHILE_STARTING, "True", "True")


def test_a_process_that_put_nothing_off_keeps_looking_at_all_it_has() -> None:
    assert printed("collect_as_usual(); print(gc.get_freeze_count(), gc.get_threshold() == USUAL)") == ["0", "True"]


def test_a_block_within_a_start_does_not_bring_the_looks_back() -> None:
    script = "put_off_collection()\nwith seldom_collected(): print(gc.get_threshold()[0])\nprint(gc.get_threshold()[0])"

    assert list(map(int, printed(script))) == [WHILE_STARTING, WHILE_STARTING]
