"""The embedded engine: a lean mitmproxy master and one addon.

Data flow, one request::

    connection   sockets <-> mitmproxy events and commands, no task for each hook
    http1        strict HTTP/1.1 heads (wire), bounded; problem documents (problem) where an answer cannot be had
    layers       mitmproxy's HTTP layer and stream: streaming, retry of stale connections, time limits
    addon        flow -> Request -> decide -> upstream; forwarding headers (forwarding); answer -> Exchange
    afloat       a memory-mapped note of what was sent and is not yet journaled: survives kill -9
    capture      bounded queue and batch writer thread -> journal; losses and gaps where that fails
    tables       watches the plan, the rollouts and the hold, and swaps the decision table whole
    breaker      takes an operation back to old at once after too many failures of the new side
    engine       one process: assembles the above; processes supervises several on one port

mitmproxy's makers call it an inspection tool, not a server for high volume: this engine is for pilots and for
departments with hundreds of requests a second.
"""
