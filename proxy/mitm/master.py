"""mitmproxy's master without the forty addons of ``mitmdump``: its options, its addon chain, nothing else.

Stock mitmproxy listens by an addon of its own and asks another one, for each connection, which protocol it speaks. Here
the listener is ours and the protocol is HTTP, so that both questions are gone.
"""

import asyncio

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
        self.addons.add(addon)
