"""Reconciles two tables or queries in different databases, row by row, and finds all differences.

::

    columns of both sides ─► work (which rows are one, which columns are compared how, what each side can compute)
      ├─ checksums   both sides can hash: counts and sums by key range or key bucket; only what differs is read
      └─ merge       one cannot, or a rule is more than SQL can say: both are streamed in one order
    candidates ─► details (all values by key, judged by the rules) ─► wait, read again ─► results, repair

SQL only ever finds *candidates*: that two texts are equal proves two rows equal, that they differ proves nothing.
``values`` alone says whether they differ. Connections are handed in (``side.Door``); nothing here writes to a database.
"""
