"""Marks what new says where old, saying the same, would mean another thing: then it is not passed over as equal. Pure.

A mark is equal to nothing. The walk takes it off again (``as_said``) before rules look at a value or anybody sees it.
"""

from typing import Any

from parity_checks.canonical.trees import Element, Foreign, Value, local_name, text_of
from parity_checks.compare.content import label_of
from parity_checks.rules.compiled import CompiledRules
from parity_checks.rules.paths import State
from strangler.plan.rule_paths import Label, Language


def marked(new: Value, rules: CompiledRules, language: Language) -> Value:
    """The new side's body with its marks."""
    start = rules.start(language)
    if isinstance(new, Element):
        if language is not Language.XML:
            return new
        start = start.step(local_name(new.name))
    found: Value = _marked(new, start, rules)
    return found


def _marked(value: Any, state: State, rules: CompiledRules) -> Any:
    if state.is_dead:
        return value
    match value:
        case dict():
            names = _old_names(state, rules)
            return {name: _marked(one, state.step(names.get(name) or name), rules) for name, one in value.items()}
        case list():
            return [_marked(one, state.step(at), rules) for at, one in enumerate(value)]
        case Element():
            return _marked_element(value, state, rules)
        case _:
            return _mark(value, state, rules)


def _marked_element(element: Element, state: State, rules: CompiledRules) -> Element:
    names = _old_names(state, rules)

    def below(name: str) -> State:
        label = label_of(name)
        return state.step(names.get(label, label))

    attributes: dict[str, Any] = {
        name: _marked(text, below("@" + name), rules) for name, text in element.attributes.items()
    }
    children = tuple(
        child if isinstance(child, str) else _marked(child, below(child.name), rules) for child in element.children
    )
    text: Any = element.text if children else _mark(element.text, state, rules)
    return Element(element.name, attributes, text, children)


def _old_names(state: State, rules: CompiledRules) -> dict[Label, Label]:
    return {rename.new: rename.old for rename in rules.renaming.at(state)}


def _mark(value: Any, state: State, rules: CompiledRules) -> Any:
    text = text_of(value) if state.hits else None
    if text is None or not any(rules.parts(index, text) for index in state.hits):
        return value
    return Foreign(value)


def as_said(value: Any) -> Any:
    """The value without marks."""
    match value:
        case Foreign():
            return value.said
        case dict():
            return {name: as_said(one) for name, one in value.items()}
        case list():
            return [as_said(one) for one in value]
        case Element():
            attributes = {name: as_said(text) for name, text in value.attributes.items()}
            return Element(value.name, attributes, as_said(value.text), tuple(map(as_said, value.children)))
        case _:
            return value
