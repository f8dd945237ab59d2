"""Worked examples: whole estates that run."""
