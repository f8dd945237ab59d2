import threading
from collections.abc import Sequence

from proxy.mitm.capture import Capture, loss_of
from strangler.errors import StoreError
from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Loss
from strangler.stages import Effect, Side, Stage


def exchange(name: str, effect: Effect = Effect.WRITE, body: bytes = b"") -> Exchange:
    request = Request("POST", "/orders", (), body, len(body))
    answer = Observation(Side.OLD, 200, (), b"", 0)
    return Exchange(name, "shop.order", effect, f"key-{name}", None, Stage.SHADOW, request, answer, Side.NEW, "e", 1.0)


class Switchable:
    """A journal that can be taken down."""

    def __init__(self) -> None:
        self.is_down = False
        self.stored: list[str] = []
        self.losses: list[Loss] = []
        self.wrote = threading.Event()

    def append(self, exchanges: Sequence[Exchange]) -> None:
        if self.is_down:
            raise StoreError("database or disk is full")
        self.stored += [one.id for one in exchanges]
        self.wrote.set()

    def record_losses(self, losses: list[Loss]) -> None:
        if self.is_down:
            raise StoreError("database or disk is full")
        self.losses += losses


class Notes:
    """A reserve that remembers."""

    def __init__(self) -> None:
        self.noted: list[Loss] = []

    def add_loss(self, loss: Loss) -> bool:
        self.noted.append(loss)
        return True

    def drain(self, journal: Switchable) -> int:
        journal.record_losses(self.noted)
        count, self.noted = len(self.noted), []
        return count


def test_what_was_offered_is_journaled_and_its_slots_are_settled() -> None:
    journal, settled = Switchable(), list[int]()
    capture = Capture(journal, None, 10, settled.append)
    for slot, name in enumerate(("a", "b")):
        assert capture.offer(exchange(name), slot)
    capture.start()
    capture.stop()
    assert (journal.stored, settled, capture.counters.journaled) == (["a", "b"], [0, 1], 2)


def test_a_full_queue_loses_the_newest_and_says_so() -> None:
    journal = Switchable()
    capture = Capture(journal, None, 1)
    assert [capture.offer(exchange(name)) for name in ("a", "b", "c")] == [True, False, False]
    capture.start()
    capture.stop()
    assert journal.stored == ["a"]
    assert sorted((loss.key, loss.count) for loss in journal.losses) == [("key-b", 1), ("key-c", 1)]


def test_bodies_that_wait_are_bounded_in_bytes() -> None:
    capture = Capture(Switchable(), None, 1_000_000)
    large = b"x" * (1024 * 1024)
    offered = [capture.offer(exchange(str(number), body=large)) for number in range(40)]
    assert (offered.count(True), capture.counters.lost) == (32, 8)


def test_a_journal_that_stays_down_turns_what_waits_into_losses_in_the_reserve() -> None:
    journal, reserve = Switchable(), Notes()
    journal.is_down = True
    capture = Capture(journal, reserve, 10)
    capture.start()
    for name in ("a", "b"):
        capture.offer(exchange(name))
    capture.stop(within_s=5)
    assert sorted(str(loss.key) for loss in reserve.noted) == ["key-a", "key-b"]
    assert capture.counters.lost == 2


def test_losses_of_reads_are_counted_together() -> None:
    journal = Switchable()
    capture = Capture(journal, None, 10)
    for name in ("a", "b", "c"):
        capture.lose(loss_of(exchange(name, Effect.READ), "why"))
    capture.start()
    capture.stop()
    assert [(loss.key, loss.count) for loss in journal.losses] == [(None, 3)]


def test_what_earlier_engines_left_is_tried_until_it_is_counted() -> None:
    tried: list[bool] = []
    is_counted = threading.Event()

    def recover() -> bool:
        tried.append(len(tried) == 1)
        if tried[-1]:
            is_counted.set()
        return tried[-1]

    capture = Capture(Switchable(), None, 10, recover=recover)
    capture.start()
    assert is_counted.wait(10)
    capture.stop()
    assert (tried, capture.is_open) == ([False, True], True)
