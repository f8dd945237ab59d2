"""Bodies grown by a grammar and then changed a little: compared quickly, and exactly.

A fuzzer that mutates bytes seldom makes two bodies that both parse. These do, nearly always, and are full of what makes
quick readings go wrong: numbers spelled in many ways, members that come twice, escapes, elements that moved.
"""

import random
import sys
import time
from typing import Final

from fuzz.targets import MEDIA, PLAIN, RULED, compared_both_ways

NAMES: Final = ("a", "b", "c", "d", "e", "f", "g", "id", "x", "é", "\\u0061", "a'b", "")
NUMBERS: Final = (
    "1",
    "1.0",
    "1.10",
    "1.1",
    "10",
    "1e1",
    "1E1",
    "-0",
    "0",
    "-0.0",
    "0.1",
    "0.10",
    "12345678901234567890",
    "1e400",
    "9007199254740993",
    "9007199254740993.0",
    "2",
    "0.30000000000000004",
    "1.5",
    "1e16",
    "10000000000000000",
    "1.00",
    "100",
    "1e-7",
    "0.0000001",
)
TEXTS: Final = (
    '"x"',
    '"X"',
    '" x "',
    '""',
    '"\\u0078"',
    '"1"',
    '"£1.00"',
    '"2026-01-01"',
    '"é"',
    '"[1]"',
    '"1.10"',
    '"a,b"',
)
WORDS: Final = ("true", "false", "null")
TAGS: Final = ("a", "b", "d", "e", "p:a", "q:x", "x")
LEAVES: Final = ("", "1", "1.0", "x", " x", "&lt;", "<![CDATA[y]]>", "<!--c-->z")
ATTRIBUTES: Final = ("id", "k", "p:id", "xml:space", "i:nil", "i:type")
ROOT: Final = '<r xmlns:p="urn:p" xmlns:q="urn:p" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{}</r>'

Tree = tuple[str, list["Tree"]]
"""How it begins (a tag with its attributes, ``[``, ``{``, a member's name, or a scalar), and what is in it."""


class Garden:
    """Grows bodies; the same seed grows the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  it must repeat

    def pair(self) -> tuple[str, bytes, bytes]:
        """A media type, a body, and the same body changed nowhere, a little or a lot."""
        rate = self._random.choice((0, 0.03, 0.1, 0.3))
        if self._random.random() < 0.6:
            tree = self._json(4)
            return MEDIA[0], _json_text(tree).encode(), _json_text(self._changed(tree, rate, self._json)).encode()
        tree = self._xml(4)
        old, new = (ROOT.format(_xml_text(one)) for one in (tree, self._changed(tree, rate, self._xml)))
        return MEDIA[1], old.encode(), new.encode()

    def _json(self, levels: int) -> Tree:
        pick = self._random
        if not levels or pick.random() < 0.4:
            return pick.choice(pick.choice((NUMBERS, NUMBERS, TEXTS, WORDS))), []
        count = pick.choice((0, 1, 1, 2, 3, 5))
        if pick.random() < 0.5:
            return "[", [self._json(levels - 1) for _ in range(count)]
        names = pick.sample(NAMES, count) if pick.random() < 0.95 else pick.choices(NAMES, k=count)
        return "{", [(f"{name}:", [self._json(levels - 1)]) for name in names]

    def _xml(self, levels: int) -> Tree:
        pick = self._random
        names = pick.sample(ATTRIBUTES, pick.choice((0, 0, 0, 1, 2)))
        tag = " ".join([pick.choice(TAGS), *(f'{name}="{pick.choice(("1", "1.0", "x", ""))}"' for name in names)])
        count = pick.choice((0, 0, 1, 2, 4)) if levels else 0
        inner = [
            self._xml(levels - 1) if pick.random() < 0.9 else (pick.choice(("", "\n ", "t")), []) for _ in range(count)
        ]
        return f"<{tag}", inner or [(pick.choice(LEAVES), [])]

    def _changed(self, tree: Tree, rate: float, grow: object) -> Tree:
        pick = self._random
        start, inner = tree
        is_member = start.endswith(":")
        if pick.random() < rate and not is_member and callable(grow):
            grown: Tree = grow(2)
            return grown
        inner = [self._changed(one, rate, grow) for one in inner]
        if len(inner) > 1 and not is_member:
            chance = pick.random()
            if chance < rate:
                pick.shuffle(inner)
            elif chance < 2 * rate:
                del inner[pick.randrange(len(inner))]
            elif chance < 3 * rate:
                inner.insert(pick.randrange(len(inner) + 1), pick.choice(inner))
        return start, inner


def _json_text(tree: Tree) -> str:
    start, inner = tree
    if start in {"[", "{"}:
        return start + ",".join(map(_json_text, inner)) + {"[": "]", "{": "}"}[start]
    return f'"{start[:-1]}": {_json_text(inner[0])}' if start.endswith(":") and inner else start


def _xml_text(tree: Tree) -> str:
    start, inner = tree
    if not start.startswith("<") or start[1:2] == "!":
        return start
    return f"{start}>{''.join(map(_xml_text, inner))}</{start[1:].partition(' ')[0]}>"


def run(seconds: float, seed: int = 1) -> int:
    """Compare pairs for so long; returns 1 where the two ways told different things of one, and shows it."""
    garden, end, runs = Garden(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        media, old, new = garden.pair()
        for rules in (PLAIN, RULED):
            runs += 1
            quick, exact = compared_both_ways(old, new, media, rules)
            if quick != exact:
                sys.stdout.write(f"grown        FOUND {old!r} {new!r}\n  quick {quick}\n  exact {exact}\n")
                return 1
    sys.stdout.write(f"grown        ok    {runs:,} runs in {seconds:.0f} s\n")
    return 0
