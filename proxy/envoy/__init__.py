"""The production engine: Envoy carries the traffic, this package tells it where to.

Data flow::

    tables       plan, rollouts, hold, watched -> Tables            (proxy.mitm.tables, which imports no mitmproxy)
    routing      Tables -> clusters and a route table. Pure
    bootstrap    sockets and ports -> Envoy's static configuration. Pure
    publisher    route table -> validated -> files, swapped by rename
    deciding     Envoy asks who answers: the same ``proxy.decide`` says so    (ext_proc, processing)
    observing    Envoy tells what was said: an Exchange for the journal       (ext_proc, observability)
    audit        Envoy's count of answers against ours: what was not told is a loss. Pure
    messages     the few protobuf messages both of them need
    binary       Envoy's process
    admin        its administration, on a private socket
    engine       assembles the above

Envoy decides by itself only where it provably decides as ``decide`` does; everything else it asks. Nothing outside this
package imports gRPC, protobuf or Envoy: they come with the extra ``strangler[envoy]``.
"""
