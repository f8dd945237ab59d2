"""Strangler replaces legacy systems one operation at a time.

A request is *decided* by pure code, *answered* by one side, *journaled*, *asked* again of the other side,
*compared*, and what was learnt *gates* the next step of the rollout. Data flows one way::

    plan + ledger -> decision table -> engine -> journal -> worker -> outcomes -> gates -> cutover -> ledger

This package holds the migration itself: what every other room speaks. It never imports the other rooms, except in
``strangler.cli`` and ``strangler.console``, which compose them.
"""

__version__ = "0.1.0"
