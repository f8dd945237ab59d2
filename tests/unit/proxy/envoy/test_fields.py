from proxy.envoy.fields import answer_headers, request_of


def test_a_request_is_told_without_what_envoy_added() -> None:
    fields = (
        (":method", b"GET"),
        (":path", b"/a?b=c"),
        (":authority", b"shop.example"),
        (":scheme", b"http"),
        ("x-name", "José".encode()),
        ("x-forwarded-for", b"10.0.0.1, 127.0.0.1"),
        ("x-forwarded-proto", b"http"),
        ("x-strangler-exchange", b"id"),
        ("x-envoy-internal", b"true"),
    )
    request = request_of(fields, b"", 0)
    assert (request.method, request.target) == ("GET", "/a?b=c")
    assert request.headers == (
        ("host", "shop.example"),
        ("x-name", "José".encode().decode("latin-1")),
        ("x-forwarded-for", "10.0.0.1"),
    )


def test_the_peer_alone_is_no_forwarding_of_the_callers() -> None:
    assert request_of((("x-forwarded-for", b"127.0.0.1"),), None, 7).headers == ()


def test_an_answer_keeps_the_systems_own_fields() -> None:
    fields = ((":status", b"200"), ("set-cookie", b"a"), ("set-cookie", b"b"), ("transfer-encoding", b"chunked"))
    assert answer_headers(fields) == (("set-cookie", "a"), ("set-cookie", "b"))
