from examples.elderly_care.story.processes import SERVICES, estate, release, seed


def test_release_1_and_release_2_differ_in_module_and_build_only() -> None:
    for faulty, clean in zip(release(1), release(2), strict=True):
        assert faulty.name == clean.name
        assert faulty.provides == clean.provides
        assert "release-1" in faulty.command
        assert "release-2" in clean.command
        assert faulty.command[-4:-2] == clean.command[-4:-2]


def test_the_estate_has_release_1_and_is_not_filled_yet() -> None:
    names = [spec.name for spec in estate()]
    assert set(SERVICES) <= set(names)
    assert "seed" not in names


def test_the_seeding_step_waits_for_nothing() -> None:
    assert seed().once
    assert seed().after == ()
