"""Decides who answers, lets them answer, journals what was said. ``decide`` is pure; each engine is a thin shell."""
