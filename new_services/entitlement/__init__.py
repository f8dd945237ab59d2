"""Entitlement: what somebody is due, and when it is paid.

``rules`` is the law and the calendar, pure; ``forms`` says what comes in, ``tables`` what is stored, ``service`` what
is answered. Amounts are whole pence.
"""
