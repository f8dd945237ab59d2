"""Which requests are the same input, so that evidence counts distinct ones. Pure."""

from urllib.parse import quote_plus

from parity_checks.canonical.decoding import Unreadable
from parity_checks.canonical.document import family_of, read, read_form
from parity_checks.canonical.trees import Document, Element, Family, local_name
from parity_checks.compare.content import content
from parity_checks.rules.compiled import CompiledRules
from strangler.exchange import Request, digest
from strangler.plan.rule_paths import Language
from strangler.stages import Side


def input_digest(request: Request, ignoring: CompiledRules) -> str:
    """The digest of method, path, query and canonical body, without what the plan says makes no difference."""
    return digest(request.method.encode(), request.path.encode(), _query(request, ignoring), _body(request, ignoring))


def _query(request: Request, ignoring: CompiledRules) -> bytes:
    if not request.query:
        return b""
    try:
        fields = read_form(request.query)
    except Unreadable:
        return request.query.encode()
    kept = {
        name: value
        for name, value in (fields.items() if isinstance(fields, dict) else ())
        if not ignoring.at_part(f"query.{name}")
    }
    return "&".join(f"{quote_plus(name)}={kept[name]!r}" for name in sorted(kept)).encode("utf-8", "replace")


def _body(request: Request, ignoring: CompiledRules) -> bytes:
    body = request.body or b""
    if not body or family_of(request.header("content-type"), body) in {Family.TEXT, Family.BYTES, Family.EMPTY}:
        return body
    try:
        document = read(request.headers, body)
        return _stable(_content(document, ignoring)).encode("utf-8", "surrogatepass")
    except (Unreadable, RecursionError):
        return body


def _content(document: Document, ignoring: CompiledRules) -> object:
    root = document.value
    if isinstance(root, Element):
        state = ignoring.start(Language.XML).step(local_name(root.name))
        return (root.name, content(root, state, ignoring, Side.OLD))
    return content(root, ignoring.start(Language.JSON), ignoring, Side.OLD)


def _stable(value: object) -> str:
    """A text that does not depend on the order in which a set gives its members."""
    match value:
        case frozenset():
            return "{" + ",".join(sorted(map(_stable, value))) + "}"
        case tuple():
            return "(" + ",".join(map(_stable, value)) + ")"
        case _:
            return repr(value)
