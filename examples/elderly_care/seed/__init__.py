"""Fills the shared services from the old systems, only through the old systems' own interfaces, as a migration must.

``departments`` asks the old systems, ``records`` turns what they said into what the shared services take in (pure),
``fill`` does the one, then the other. It can be run again: what is there already is brought up to date.
"""
