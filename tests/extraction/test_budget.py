"""The CPU budget: it interrupts what runs too long, in its block and nowhere else."""

from __future__ import annotations

import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import billiard
import pytest

from data.schemas import ERRORS, table
from extraction import budget as budgets
from extraction.budget import TOO_COSTLY, CompanyBudgets, CpuBudget, TooCostlyError, too_costly_row
from tests.extraction.conftest import NOW, make_company

pytestmark = pytest.mark.no_cover  # the CPU time that it measures is not that of tracing


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(1_000))


def backtrack() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")  # would take years


@pytest.fixture(autouse=True)
def untouched():
    """Handler and timer are after each test what they were before."""
    before = signal.getsignal(signal.SIGPROF)
    yield
    assert signal.getsignal(signal.SIGPROF) == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert not budgets._watch._open


@pytest.mark.parametrize("work", [backtrack, lambda: burn(60)])
def test_python_code_and_regular_expressions_are_interrupted(work):
    with pytest.raises(TooCostlyError, match=TOO_COSTLY), CpuBudget(0.05):
        work()


def test_many_blocks_share_one_timer_and_each_ends_at_its_own_time():
    with budgets.many_budgets():
        handler = signal.getsignal(signal.SIGPROF)
        with CpuBudget(0.05):
            burn(0.001)
        assert signal.getsignal(signal.SIGPROF) is handler, "a block leaves it alone"
        with CpuBudget(60), pytest.raises(TooCostlyError), CpuBudget(0.05):
            backtrack()
        burn(0.2)
        with budgets.many_budgets(), pytest.raises(TooCostlyError), CpuBudget(0.05):
            burn(60)


def test_what_many_blocks_take_is_charged_to_those_that_took_it():
    dear, cheap = CompanyBudgets(60, 60), CompanyBudgets(60, 60)
    with budgets.many_budgets():
        for _ in range(60):
            with dear.page("a"):
                burn(0.008)
            with cheap.page("a"):
                pass
            burn(0.002)
        for _ in range(100):
            with CpuBudget(0.005):
                burn(0.001)  # an alarm during it is no reason to end it
    taken = 60 - dear.page("a").left(), 60 - cheap.page("a").left()
    assert 0.2 < taken[0] < 0.8 and taken[1] < 0.2


def test_what_keeps_within_its_budget_is_left_alone_also_later():
    with CpuBudget(0.05):
        burn(0.001)
    burn(0.1)


def test_neither_except_exception_nor_a_lost_strike_swallows_it():
    def forgiving():
        while True:
            try:
                backtrack()
            except Exception:
                return "swallowed"
            except BaseException:
                if not struck:
                    struck.append(True)  # as a destructor would lose it
                    continue
                raise

    struck: list[bool] = []
    with pytest.raises(TooCostlyError), CpuBudget(0.02):
        forgiving()
    assert struck


def test_sleep_and_other_threads_cost_nothing():
    thread = threading.Thread(target=burn, args=(0.3,))
    with CpuBudget(0.1):
        thread.start()
        time.sleep(0.2)
        thread.join()


def test_nested_blocks_end_by_the_one_that_is_over_first():
    with CpuBudget(60):
        with pytest.raises(TooCostlyError), CpuBudget(0.02):
            burn(60)
        burn(0.05)
    with pytest.raises(TooCostlyError), CpuBudget(0.05):
        try:
            with CpuBudget(60):
                burn(60)
        except TooCostlyError:  # an inner block that takes it for its own
            pass
        burn(60)


def test_handler_and_timer_of_others_come_back():
    struck = threading.Event()
    signal.signal(signal.SIGPROF, lambda *_: struck.set())
    signal.setitimer(signal.ITIMER_PROF, 30)
    try:
        with CpuBudget(1):
            pass
        assert 29 < signal.getitimer(signal.ITIMER_PROF)[0] < 31
        signal.setitimer(signal.ITIMER_PROF, 0.01)
        burn(0.1)
        assert struck.is_set()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)


def test_other_threads_may_use_it_without_being_interrupted():
    def work():
        with CpuBudget(0.01) as budget:
            burn(0.05)
            return budget.left()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() < 0


def test_no_strike_outlives_its_block():
    """Blocks that end just when they are struck: they fail inside or not at all, and leave nothing behind."""
    struck = 0
    for number in range(120):
        try:
            with CpuBudget(0.000_01):
                burn(0.003 + number % 12 * 0.001)
        except TooCostlyError:
            struck += 1
        burn(0.000_5)
    assert struck > 0


def _in_child(result) -> None:
    try:
        with CpuBudget(0.05):
            backtrack()
    except TooCostlyError:
        result.put("interrupted")


@pytest.mark.stack
def test_a_forked_process_of_a_worker_has_a_budget_of_its_own():
    result = billiard.SimpleQueue()
    child = billiard.Process(target=_in_child, args=(result,))
    with CpuBudget(60):  # timers do not cross a fork
        child.start()
    assert result.get() == "interrupted"
    child.join()
    assert child.exitcode == 0


def test_a_companys_pages_share_its_budget():
    shared = CompanyBudgets(page_s=0.03, company_s=0.05)
    costly = 0
    for _ in range(4):
        try:
            with shared.page("comp_a"):
                burn(0.02)
        except TooCostlyError:
            costly += 1
    assert costly in (1, 2)
    with pytest.raises(TooCostlyError), shared.page("comp_a"):
        pytest.fail("nothing is left")
    with shared.page("comp_b"):
        burn(0.01)


def test_the_row_fits_the_table_of_errors():
    row = too_costly_row(make_company(), "page", "process", NOW, url="https://acme-tools.com/x")
    assert table([row], ERRORS, "job_x").num_rows == 1
    assert (row["error"], row["category"], row["url"]) == (TOO_COSTLY, "data", "https://acme-tools.com/x")
