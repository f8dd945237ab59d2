"""Ids in a request: found, and exchanged for those of the side that is asked. Pure.

Only the ids change: every other byte of target, header fields and body stays, and the body keeps its charset and
content-encoding. (A digest or signature that the caller made of the body does not hold any more.)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from parity_checks.canonical.decoding import Unreadable
from parity_checks.canonical.trees import Family
from parity_checks.identity.bodies import BodyText, body_text
from parity_checks.identity.json_body import json_spots
from parity_checks.identity.lines import field_spots, header_spots, path_spots
from parity_checks.identity.spots import Part, Spot, replaced
from parity_checks.identity.xml_body import xml_spots
from strangler.exchange import Request
from strangler.plan.comparison import Place, UseId

NamedId = tuple[str, str]
"""What an id identifies, and the id."""


@dataclass(frozen=True, slots=True)
class Spots:
    """The ids of one request. ``complaint`` says why some of them may not have been found; empty where all were."""

    request: Request
    spots: tuple[Spot, ...]
    body: BodyText | None = None
    complaint: str = ""

    @property
    def ids(self) -> tuple[NamedId, ...]:
        """The distinct ids."""
        return tuple(dict.fromkeys((spot.name, spot.value) for spot in self.spots))

    def exchanged(self, known: Mapping[NamedId, str]) -> tuple[Request, tuple[NamedId, ...]]:
        """The request with every known id exchanged, and the ids that stayed as they are.

        Args:
            known: the other side's id, by name and id.
        """
        changes: dict[tuple[Part, int], list[tuple[int, int, str]]] = {}
        left: dict[NamedId, None] = {}
        for spot in self.spots:
            other = known.get((spot.name, spot.value))
            spelled = None if other is None else spot.spell(other)
            if spelled is None:
                left[spot.name, spot.value] = None
            elif other != spot.value:
                changes.setdefault((spot.part, spot.index), []).append((spot.start, spot.end, spelled))
        return (self._with(changes) if changes else self.request), tuple(left)

    def _with(self, changes: Mapping[tuple[Part, int], list[tuple[int, int, str]]]) -> Request:
        request = self.request
        headers = tuple(
            (name, replaced(value, changes.get((Part.HEADER, index), [])))
            for index, (name, value) in enumerate(request.headers)
        )
        made = replace(request, target=replaced(request.target, changes.get((Part.TARGET, 0), [])), headers=headers)
        in_body = changes.get((Part.BODY, 0))
        if in_body and self.body is not None:
            body = self.body.encoded(replaced(self.body.text, in_body))
            made = replace(made, body=body, body_bytes=len(body))
        return made


def find(request: Request, uses: Sequence[UseId]) -> Spots:
    """The ids that a request holds, at the places that the plan names.

    A place that the request lacks is no complaint: it may be optional. A body that cannot be read is one, and so is a
    path in which no pattern finds an id: it may be spelled in another way than the plan has it.
    """
    spots: list[Spot] = []
    complaint = ""
    body: BodyText | None = None
    if request.body and any(_is_in_body(use.at) for use in uses):
        try:
            body = body_text(request.headers, request.body)
            for use in uses:
                spots += _in_body(use.name, use.at, body)
        except (Unreadable, RecursionError) as error:
            complaint = str(error)[:200] or type(error).__name__
    elif request.body is None:
        complaint = "the body was not captured"
    for use in uses:
        spots += _in_head(use.name, use.at, request)
    if any(use.at.path for use in uses) and not any(spot.part is Part.TARGET for spot in spots):
        complaint = complaint or "the path has none"
    return Spots(request, tuple(spots), body, complaint)


def _is_in_body(place: Place) -> bool:
    return place.xpath is not None or place.json_ is not None or place.form is not None


def _in_body(name: str, place: Place, body: BodyText) -> Iterator[Spot]:
    if place.xpath is not None and body.family is Family.XML:
        yield from xml_spots(name, place.xpath, body.text)
    elif place.json_ is not None and body.family is Family.JSON:
        yield from json_spots(name, place.json_, body.text)
    elif place.form is not None and body.family is Family.FORM:
        yield from field_spots(Part.BODY, name, place.form, body.text, charset=body.charset)


def _in_head(name: str, place: Place, request: Request) -> Iterator[Spot]:
    path = request.path
    if place.path is not None:
        yield from path_spots(name, place.path, path)
    elif place.query is not None:
        yield from field_spots(Part.TARGET, name, place.query, request.query, len(path) + 1)
    elif place.header is not None:
        yield from header_spots(name, place.header, request.headers)
