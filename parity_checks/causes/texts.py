"""Causes that texts tell: case, white space, Unicode form, charsets, cut ends, order of words, codes. Pure."""

import html
import re
import unicodedata
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

from parity_checks.causes.cause import Cause, Pair
from parity_checks.forms import form_of
from parity_checks.rules.equalities import folded
from strangler.plan.comparison import TextRule

LEAST_FOR_CODES: Final = 5
"""Samples from which on a table of codes is believed in."""

_LONGEST_CODE = 40

_FOLDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("white space around the text", {"trim": True}),
    ("the case of letters", {"fold": "case"}),
    ("the Unicode form of the same characters", {"form": "NFC"}),
    ("how much white space stands between words", {"spaces": "collapse"}),
    ("white space within the text", {"spaces": "drop"}),
    ("variants of the same characters (Unicode compatibility forms)", {"form": "NFKC"}),
)
"""From the mildest to the bluntest."""

_MARKS = re.compile(r"[\ufffd?]+")
_OPAQUE = {
    "uuid": "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "hex": "[0-9a-fA-F]{%s}",
    "token": "[A-Za-z0-9_+/=.~-]{%s}",
}
_TRUE = {"true", "1", "y", "yes", "t", "on"}
_FALSE = {"false", "0", "n", "no", "f", "off"}


def _combined() -> tuple[tuple[str, dict[str, Any], TextRule], ...]:
    made = []
    for size in (1, 2, 3):
        for chosen in combinations(_FOLDS, size):
            said = {key: value for _, options in chosen for key, value in options.items()}
            if len(said) == size:
                rule = TextRule.model_validate({"as": "text", "path": "$.a", "why": "to be said", **said})
                words = [words for words, _ in chosen]
                told = " and ".join(words) if size < 3 else f"{words[0]}, {words[1]} and {words[2]}"
                made.append((told, said, rule))
    return tuple(made)


_COMBINED = _combined()


def folding(pairs: Sequence[Pair]) -> Cause | None:
    """Case, white space or Unicode form, or several of them at once."""
    for words, said, rule in _COMBINED:
        if all(folded(old, rule) == folded(new, rule) for old, new in pairs):
            return Cause(
                f"only {words} differs{_padding(pairs) if said == {'trim': True} else ''}", {"as": "text", **said}
            )
    return None


def _padding(pairs: Sequence[Pair]) -> str:
    for side, texts in (("old", [old for old, _ in pairs]), ("new", [new for _, new in pairs])):
        if len(pairs) > 1 and all(text != text.rstrip() for text in texts) and len({len(text) for text in texts}) == 1:
            return f": the {side} side fills up to {len(texts[0])} characters"
    return ""


def truth(pairs: Sequence[Pair]) -> Cause | None:
    """Y and N against true and false, 1 and 0, and the like: each side with one spelling."""
    table: dict[str, str] = {}
    for old, new in pairs:
        both = old.lower(), new.lower()
        if not (set(both) <= _TRUE or set(both) <= _FALSE) or old == new or table.setdefault(old, new) != new:
            return None
    if len(table) > 2 or len({old.lower() for old in table}) < len(table) or len(set(table.values())) < len(table):
        return None
    told = ", ".join(f"{old} is {new}" for old, new in sorted(table.items()))
    return Cause(f"truth is spelled differently: {told}", {"as": "code", "table": table})


def charset(pairs: Sequence[Pair]) -> Cause | None:
    """Bytes read in the wrong charset, or characters that a charset did not have."""
    for name, wrong, right in (("new", 1, 0), ("old", 0, 1)):
        if all(pair[wrong] in _misread(pair[right]) for pair in pairs):
            return Cause(f"the {name} side reads UTF-8 as cp1252 or Latin-1 (mojibake)")
        if all(pair[wrong] in {two for one in _misread(pair[right]) for two in _misread(one)} for pair in pairs):
            return Cause(f"the {name} side reads UTF-8 as cp1252 or Latin-1, twice over (mojibake)")
        if all(_is_replaced(pair[right], pair[wrong]) for pair in pairs):
            return Cause(f"the {name} side has lost characters outside of its charset (replaced by ? or \ufffd)")
        if all(_without_marks(pair[right]) == pair[wrong] for pair in pairs):
            return Cause(f"the {name} side has lost accents")
        if all(html.unescape(pair[wrong]) == pair[right] for pair in pairs):
            return Cause(f"the {name} side escapes markup once more (&amp;)")
    return None


def _misread(text: str) -> set[str]:
    """What UTF-8 looks like where it is taken for a charset of single bytes; nothing for plain ASCII."""
    try:
        sent = text.encode()
    except UnicodeEncodeError:
        return set()
    if text.isascii():
        return set()
    windows = "".join(_WINDOWS[byte] for byte in sent)
    return {windows, sent.decode("latin-1")}


_WINDOWS = [bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]


def _is_replaced(right: str, wrong: str) -> bool:
    """Whether runs of ``?`` or U+FFFD stand where the other side has characters outside of ASCII."""
    if right.isascii() or not _MARKS.search(wrong) or right == wrong:
        return False
    runs = re.split(r"([^\x00-\x7f]+)", right)
    pattern = "".join(
        re.escape(run) if at % 2 == 0 else rf"[\ufffd?]{{1,{4 * len(run)}}}" for at, run in enumerate(runs)
    )
    return re.fullmatch(pattern, wrong) is not None


def _without_marks(text: str) -> str:
    if text.isascii():
        return text + "\0"  # nothing to lose
    return "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))


def cut(pairs: Sequence[Pair]) -> Cause | None:
    """Texts of one side that end where the other's go on."""
    for name, short, long in (("new", 1, 0), ("old", 0, 1)):
        if any(pair[long].endswith("…") for pair in pairs):  # not carried whole
            continue
        most = max(len(pair[short]) for pair in pairs)
        is_cut = all(pair[long][:most].rstrip() == pair[short].rstrip() != pair[long].rstrip() for pair in pairs)
        if is_cut and most >= (2 if len(pairs) > 1 else 8):
            return Cause(f"the {name} side cuts texts off at {most} characters")
    return None


def word_order(pairs: Sequence[Pair]) -> Cause | None:
    """The same words, in another order: Smith, John for John Smith."""
    split = [(_words(old), _words(new)) for old, new in pairs]
    if all(len(old) > 1 and old != new and sorted(old) == sorted(new) for old, new in split):
        return Cause("the same words stand in another order, such as surname first")
    return None


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", text.casefold()) if re.search(r"[^\W\d]", word)]


def codes(pairs: Sequence[Pair]) -> Cause | None:
    """Each code of old always comes with the same one of new, and the other way round."""
    table = dict(pairs)
    is_one_to_one = len(table) == len(set(pairs)) == len(set(table.values()))
    is_short = all(0 < len(code) <= _LONGEST_CODE for pair in pairs for code in pair)
    if len(pairs) < LEAST_FOR_CODES or not 2 <= len(table) < len(pairs) or not is_one_to_one or not is_short:
        return None
    told = ", ".join(f"{old} is {new}" for old, new in sorted(table.items()))
    return Cause(f"the two sides use other codes: {told}; look whether there are more", {"as": "code", "table": table})


def each_its_own(pairs: Sequence[Pair]) -> Cause | None:
    """Ids that each side makes for itself: of one form, and never twice the same."""
    forms = {form_of(text).name for pair in pairs for text in pair}
    texts = [text for pair in pairs for text in pair]
    if len(forms) != 1 or not forms <= set(_OPAQUE) or len(set(texts)) < len(texts):
        return None
    sizes = sorted({len(text) for text in texts})
    like = _OPAQUE[forms.pop()].replace("%s", ",".join(map(str, dict.fromkeys((sizes[0], sizes[-1])))))
    words = "each side makes an id or token of its own; if later requests use it, map it by 'ids' and say 'as: id'"
    return Cause(words, {"as": "opaque", "like": like})
