from proxy.mitm.forwarding import end_to_end, journaled, strip_hop_by_hop, towards_system


def test_connection_cannot_name_away_what_frames_or_routes_a_message() -> None:
    fields = ((b"Connection", b"content-length, Host, X-A"), (b"Host", b"a"), (b"Content-Length", b"1"), (b"X-A", b"1"))
    assert strip_hop_by_hop(fields) == ((b"Host", b"a"), (b"Content-Length", b"1"))


def test_connection_cannot_name_away_what_this_engine_sets() -> None:
    fields = end_to_end(((b"Host", b"a"), (b"Connection", b"x-forwarded-for"), (b"X-Forwarded-For", b"9.9.9.9")))
    sent = towards_system(fields, peer="10.0.0.1", host=b"old:80")
    assert (b"X-Forwarded-For", b"10.0.0.1") in sent


def test_forged_fields_of_ours_are_dropped_in_every_spelling() -> None:
    fields = ((b"X-Strangler-Exchange", b"1"), (b"x_strangler_key", b"1"), (b"X-STRANGLER_key", b"1"), (b"X-A", b"1"))
    assert end_to_end(fields) == ((b"X-A", b"1"),)


def test_an_ipv6_caller_is_quoted_in_forwarded() -> None:
    sent = dict(towards_system(((b"Host", b'a"b'),), peer="2001:db8::1", host=b"old"))
    assert sent[b"Forwarded"] == b'for="[2001:db8::1]";host="a\\"b";proto=http'
    assert sent[b"X-Forwarded-For"] == b"2001:db8::1"


def test_repeated_fields_of_the_caller_stay_repeated() -> None:
    sent = towards_system(((b"Cookie", b"a=1"), (b"Cookie", b"b=2")), peer="1.1.1.1", host=b"old")
    assert [value for name, value in sent if name == b"Cookie"] == [b"a=1", b"b=2"]


def test_the_journal_keeps_every_byte_of_a_field() -> None:
    (field,) = journaled(((b"X-A", bytes(range(128, 256))), (b"Transfer-Encoding", b"chunked")))
    assert field[1].encode("latin-1") == bytes(range(128, 256))
