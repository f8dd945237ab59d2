from pathlib import Path

from strangler.cli.up import own_processes
from strangler.state import StateFolder


def test_up_gives_none_of_its_own_up_and_lets_the_proxy_do_without_the_others(tmp_path: Path) -> None:
    own = own_processes(tmp_path / "migration.yaml", StateFolder(tmp_path / "state", {}), after=["shop"])
    assert {spec.name: (spec.restarts, spec.optional) for spec in own} == {
        "gateway": (None, True),
        "proxy": (None, False),
        "worker": (None, True),
        "guard": (None, True),
        "console": (None, True),
    }
