"""Elements with more attributes than anybody means: told from long texts that only look like them."""

import pytest

from parity_checks.canonical.attributes import MOST_ATTRIBUTES, check_html, check_xml
from parity_checks.canonical.decoding import MAX_VALUES, Unreadable
from strangler.exchange import Reason

MANY = MOST_ATTRIBUTES + 1


@pytest.mark.parametrize(
    "body",
    [
        b"<r " + b" ".join(b"a%d='.'" % at for at in range(10)) + b">" + b"a='1' " * MANY + b"</r>",
        b"<r><![CDATA[" + b" a='1'" * MANY + b"]]></r>",
        b"<?pi " + b"a='1' " * MANY + b"?><r/>",
        b"<r a='1'/>" * MANY,
    ],
)
def test_attributes_of_xml_are_told_from_text(body: bytes) -> None:
    check_xml(body)


@pytest.mark.parametrize("start", [b"<r ", b"<r x='>' ", b'<r x=">\'" ', b"<a><b/>=<r "])
def test_attributes_of_xml_too_many_are_refused(start: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        check_xml(start + b" ".join(b"a%d='1'" % at for at in range(MANY)) + b"/>")
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "text",
    [
        "<p>" + " a" * MANY + "</p>",
        "<img src='data:" + "a b=/" * MANY + "'>",
        "<script>" + "x = 1;" * MANY + "</script>",
        "<p a=1>" * MANY,
    ],
)
def test_attributes_of_html_are_told_from_text(text: str) -> None:
    check_html(text)


@pytest.mark.parametrize("start", ["<p ", "<p a='<' ", '<p " ', "<p/", "text < <p x=y\n"])
@pytest.mark.parametrize("form", ["a{} ", "a{}=1 ", "a{}/", "a{}='1'", 'a{}=">"\n'])
def test_attributes_of_html_too_many_are_refused(start: str, form: str) -> None:
    with pytest.raises(Unreadable) as caught:
        check_html(start + "".join(form.format(at) for at in range(MANY)) + ">")
    assert caught.value.reason is Reason.TOO_LARGE


def test_attributes_of_all_elements_are_bounded() -> None:
    with pytest.raises(Unreadable) as caught:
        check_html("<p a b>" * (MAX_VALUES // 2 + 1))
    assert caught.value.reason is Reason.TOO_LARGE
