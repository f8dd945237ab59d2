import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.envoy import messages
from proxy.envoy.messages import GoOn, Head, Piece, Refuse, read, write

FOLDER = Path(messages.__file__).parent


def message(name: str) -> Any:
    return messages._class(name)()


def test_the_descriptor_is_compiled_from_the_proto_file(tmp_path: Path) -> None:
    fresh = tmp_path / "ext_proc.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={fresh}", "ext_proc.proto"], check=True)
    assert described(fresh.read_bytes()) == described((FOLDER / "ext_proc.binpb").read_bytes())


def described(content: bytes) -> str:
    from google.protobuf import descriptor_pb2

    return str([file for file in descriptor_pb2.FileDescriptorSet.FromString(content).file if "ext_proc" in file.name])


def test_a_head_is_read_with_raw_values_and_attributes() -> None:
    told = message("ProcessingRequest")
    field = told.response_headers.headers.headers.add()
    field.key, field.raw_value = "x-name", b"Jos\xc3\xa9"
    told.response_headers.end_of_stream = True
    told.attributes["envoy.filters.http.ext_proc"].fields["xds.route_name"].string_value = "a"
    told.attributes["envoy.filters.http.ext_proc"].fields["response.code"].number_value = 200
    assert read(told.SerializeToString()) == Head(
        is_request=False,
        fields=(("x-name", b"Jos\xc3\xa9"),),
        is_end=True,
        attributes={"xds.route_name": "a", "response.code": "200"},
    )


def test_pieces_and_trailers_are_read() -> None:
    body, trailers = message("ProcessingRequest"), message("ProcessingRequest")
    body.request_body.body = b"x"
    trailers.response_trailers.SetInParent()
    assert [read(told.SerializeToString()) for told in (body, trailers)] == [
        Piece(is_request=True, body=b"x", is_end=False),
        Piece(is_request=False, body=b"", is_end=True),
    ]


def test_an_unknown_message_does_not_raise() -> None:
    assert read(b"") == Piece(is_request=False, body=b"", is_end=True)


HEAD = Head(is_request=True, fields=(), is_end=False, attributes={})


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (GoOn(HEAD), "request_headers"),
        (GoOn(Piece(is_request=True, body=b"", is_end=True)), "request_body"),
        (Refuse(404, b"no", "text/plain"), "immediate_response"),
    ],
)
def test_a_reply_is_of_the_kind_that_envoy_waits_for(reply: GoOn | Refuse, kind: str) -> None:
    told = message("ProcessingResponse")
    told.ParseFromString(write(reply))
    assert told.WhichOneof("response") == kind


def test_a_chosen_route_is_told_in_a_header_and_chosen_anew() -> None:
    told = message("ProcessingResponse")
    told.ParseFromString(write(GoOn(HEAD, route="new|a.b")))
    (option,) = told.request_headers.response.header_mutation.set_headers
    assert (option.header.key, option.header.raw_value) == ("x-strangler-route", b"new|a.b")
    assert told.request_headers.response.clear_route_cache
