"""Prefixed log lines."""

import io

from strangler.cli.supervisor import PrefixedLog


def test_lines_are_plain_and_aligned_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    log = PrefixedLog(["pensions", "up"], stream)
    log("up", "\x1b[31mred\x1b[0m [bold] :smile:")
    log("pensions", "x" * 300)
    assert stream.getvalue().splitlines() == ["up       | red [bold] :smile:", "pensions | " + "x" * 300]


def test_a_name_that_came_later_shows_too() -> None:
    stream = io.StringIO()
    log = PrefixedLog(["a"], stream)
    log("seeding", "done")
    assert stream.getvalue() == "seeding | done\n"
