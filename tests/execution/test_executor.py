import executor_laws as laws
import pytest

from gyrovox.execution import Executor, Serial
from gyrovox.execution.executor import shown


@pytest.mark.parametrize(
    "law",
    [
        laws.check_every_item_is_done_once,
        laws.check_nothing_to_do_is_done,
        laws.check_the_error_of_a_task_is_raised,
        laws.check_big_things_travel,
    ],
    ids=lambda law: law.__name__,
)
def test_serial_keeps_the_laws(law):
    with Serial() as executor:
        law(executor)


def test_serial_does_no_more_than_it_is_asked_for(tmp_path):
    laws.check_nobody_goes_on_without_being_asked(Serial(), tmp_path)


def test_serial_keeps_the_order_and_takes_any_function():
    assert list(Serial().map(lambda text: text.upper(), "ab")) == [(0, "A"), (1, "B")]


class Counting(Executor):
    closed = 0

    def map(self, task, items):
        yield from ()

    def close(self):
        self.closed += 1


def test_an_executor_lets_its_workers_go_whatever_happens():
    executor = Counting()
    with pytest.raises(ZeroDivisionError, match="division"), executor:
        _ = 1 / 0
    assert executor.closed == 1


def test_a_long_item_is_cut_in_messages():
    assert shown(("z0", 3)) == "('z0', 3)"
    assert len(shown(b"x" * 10_000)) < 130
    assert len(shown(list(range(10_000)))) < 130
