from itertools import pairwise

import pytest

from strangler.stages import Duty, Effect, Side, Stage, duty, is_answered_by_new, path_of, position

OLD, NEW = Side.OLD, Side.NEW
TABLE = [
    (Stage.OFF, Duty(OLD, None), Duty(OLD, None)),
    (Stage.DUALWRITE, Duty(OLD, None), Duty(OLD, NEW)),
    (Stage.SHADOW, Duty(OLD, NEW), Duty(OLD, NEW)),
    (Stage.LIVE, Duty(NEW, OLD), Duty(NEW, OLD)),
    (Stage.RAMPDOWN, Duty(NEW, None), Duty(NEW, OLD)),
    (Stage.COMPLETE, Duty(NEW, None), Duty(NEW, None)),
]


@pytest.mark.parametrize(("stage", "read", "write"), TABLE)
def test_duty_is_the_design_table(stage: Stage, read: Duty, write: Duty) -> None:
    assert (duty(stage, Effect.READ), duty(stage, Effect.WRITE)) == (read, write)


def test_the_table_above_covers_every_stage_in_order() -> None:
    assert [stage for stage, _, _ in TABLE] == list(Stage)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("effect", Effect)
def test_duty_never_asks_the_side_that_answers(stage: Stage, effect: Effect) -> None:
    found = duty(stage, effect)
    assert found.asked in (None, found.answers.other)


@pytest.mark.parametrize("stage", Stage)
def test_is_answered_by_new_holds_for_both_effects(stage: Stage) -> None:
    assert {duty(stage, effect).answers is NEW for effect in Effect} == {is_answered_by_new(stage)}


def test_path_of_a_write_is_every_stage() -> None:
    assert path_of(Effect.WRITE) == tuple(Stage)


def test_path_of_a_read_skips_the_stages_that_only_differ_in_writes() -> None:
    assert path_of(Effect.READ) == (Stage.OFF, Stage.SHADOW, Stage.LIVE, Stage.COMPLETE)


def test_path_of_a_read_changes_something_with_each_step() -> None:
    duties = [duty(stage, Effect.READ) for stage in path_of(Effect.READ)]
    assert all(before != after for before, after in pairwise(duties))


def test_position_counts_steps_from_off() -> None:
    assert [position(stage, Effect.READ) for stage in path_of(Effect.READ)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="not in"):
        position(Stage.DUALWRITE, Effect.READ)


def test_other_is_the_opposite_side() -> None:
    assert (OLD.other, NEW.other) == (NEW, OLD)
