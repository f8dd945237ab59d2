"""What each target begins with, so that the first minutes are not spent on finding a bracket."""

import gzip
import zlib
from collections.abc import Mapping
from typing import Final

import brotli  # type: ignore[import-not-found,import-untyped,unused-ignore]

_JSON = b'{"a": 1.10, "b": [1, {"id": "x"}, null], "c": [{"id": 1}], "d": "\\u00e9", "e": true, "f": -1e2}'
_OTHER_JSON = b'{"b":[{"id":"x"},1,null],"a":1.1,"c":[{"id":2}],"d":"\xc3\xa9","e":1}'
_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?><s:E xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><s:Body><a i:type="s:x">1</a><b id="1">t<c/>u</b>'
    b'<e i:nil="true"/><s:Fault><faultcode>s:Client</faultcode></s:Fault><![CDATA[x]]></s:Body></s:E>'
)
_HTML = (
    b'<!DOCTYPE html><html><head><meta charset="utf-8"><script>1</script></head><body class=a><p>a <b>b</b>&nbsp;c'
    b"<br><pre> x\n</pre><table><tr><td>1<td>2</table><input checked></body></html>"
)
_CSV = b'id;name\r\n1;"a""b"\r\n\r\n2;c;d\n'
_FORM = b"a=1&b=%C3%A9&b=&c"
_PARTS = (
    b'pre\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Type: application/json\r\n'
    b"Content-Transfer-Encoding: base64\r\nContent-ID: <x>\r\n\r\neyJhIjoxfQ==\r\n--b\r\n"
    b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--c--\r\n--b--\r\n"
)
_MTOM = (
    b"--b\r\nContent-Type: application/xop+xml\r\nContent-ID: <r>\r\n\r\n<a><d>"
    b'<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/></d></a>\r\n--b\r\n'
    b"Content-Type: image/png\r\nContent-ID: <1>\r\n\r\n\x89PNG\r\n--b--"
)
_BODIES = (_JSON, _XML, _HTML, _CSV, _FORM, _PARTS, _PARTS, _MTOM, b"plain \x93text\x94", b"%PDF", _JSON)

SEEDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "encodings": (
        b"\0" + gzip.compress(_XML),
        b"\1" + zlib.compress(_XML),
        b"\1" + zlib.compress(_XML)[2:-4],
        b"\2" + brotli.compress(_XML),
        b"\3" + brotli.compress(gzip.compress(_XML)),
        b"\4" + gzip.compress(zlib.compress(_XML)) * 2,
    ),
    "media_types": (
        b"multipart/related; boundary=\"a;b\"; charset=utf-8; filename*=UTF-8''%e2%82%ac",
        b"S=1; Path=/; Expires=Mon, 23 Nov 2026 00:00:00 GMT\nT=2; HttpOnly",
        b'Digest realm="a", nonce="b", qop="auth"\n<http://a/b>; rel=next, </c>; rel="x"',
    ),
    "charsets": (
        b"utf-8\n\x93x\x94",
        b"iso-8859-1\nO\x92Neill",
        b"utf-16\n\xff\xfea\0",
        b"cp037\n\x81",
        b"utf-7\n+2AA-",
    ),
    "json": (_JSON, _OTHER_JSON, b'["\\ud800"]', b"[1e400,-0,0.1e-5]"),
    "xml": (_XML, b"\xff\xfe<\0a\0/\0>\0", b'<a xml:space="preserve"> <b/> </a>', b"<!DOCTYPE a><a/>"),
    "html": (_HTML,),
    "csv": (_CSV, b"a,b\n1,2\n"),
    "form": (_FORM,),
    "multipart": (_PARTS,),
    "mtom": (_MTOM,),
    "json_pair": (
        b"\0\0\0\1" + _JSON + b"\0" + _OTHER_JSON,
        b"\0\x09\4\0" + _JSON + b"\0" + b"1.1",
        b"\0\2\0\0[1,2,3]\0 9,",
        b'\0\0\0\1{"c":[{"id":1,"a":1.0}]}\0{"c":[{"id":1,"a":1}]}',
    ),
    "xml_pair": (
        b"\0\xff\1\0" + _XML + b"\0" + b"2",
        b"\0\0\0\1" + _XML + b"\0" + _XML.replace(b"s:", b"t:").replace(b":s=", b":t="),
        b"\0\3\0\0<r><a>1</a><a>2</a></r>\0<a>3</a>",
    ),
    "compare": tuple(
        bytes([media, 1, 0, others]) + body + b"\xff\n" + body.replace(b"1", b"2")
        for media, body in enumerate(_BODIES)
        for others in (1, 2)
    ),
}
"""By target. In ``compare`` four bytes choose the headers, and the bodies are divided by ``FF 0A``."""
