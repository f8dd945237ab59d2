"""The plan's comparison rules, ready for use. Pure.

``paths`` follows many paths at once; ``equalities`` says what equal means for one kind of value; ``compiled`` joins
both for one operation.
"""
