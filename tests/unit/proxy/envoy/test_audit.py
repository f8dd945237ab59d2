from proxy.envoy.audit import Audit, by_operation


def test_an_answer_that_was_told_in_time_is_not_missing() -> None:
    audit = Audit(patience_s=10)
    assert audit.missing({"a.b": 1}, now=0) == {}
    audit.saw("a.b")
    assert audit.missing({"a.b": 1}, now=11) == {}


def test_an_answer_that_was_not_told_is_missing_once() -> None:
    audit = Audit(patience_s=10)
    audit.saw("a.b")
    found = [audit.missing({"a.b": 3, "a.c": 1}, now=now) for now in (0, 5, 10, 15, 25)]
    assert found == [{}, {}, {"a.b": 2, "a.c": 1}, {}, {}]


def test_at_the_end_nothing_is_waited_for() -> None:
    audit = Audit(patience_s=10)
    assert not audit.is_even({"a.b": 1})
    assert audit.missing({"a.b": 1}, now=0, is_last=True) == {"a.b": 1}
    assert audit.is_even({"a.b": 1})


def test_counters_are_read_by_operation() -> None:
    assert by_operation({"vhost.strangler.route.shop.get-item.upstream_rq_completed": 4}) == {"shop.get-item": 4}
