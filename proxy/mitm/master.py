"""mitmproxy's master without the forty addons of ``mitmdump``: its options, its addon chain, nothing else.

Stock mitmproxy listens by an addon of its own and asks another one, for each connection, which protocol it speaks. Here
the listener is ours and the protocol is HTTP, so that both questions are gone.
"""

import asyncio
import warnings

with warnings.catch_warnings():
    # mitmproxy's package of addons cannot be imported in part, and one of them imports ldap3, which warns of pyasn1.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mitmproxy.master import Master
from mitmproxy.options import Options

from proxy.mitm.addon import Passing


class LeanMaster(Master):
    """A master with one addon.

    Args:
        addon: the engine's.
        loop: the loop it runs in.
    """

    def __init__(self, addon: Passing, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(Options(), loop)
        self._legacy_log_events.uninstall()  # it would turn every log line into an event for addons that are not there
        self.addons.add(addon)  # type: ignore[no-untyped-call]
