"""Citizen record: who somebody is, where they live, how to reach them. Told to government once.

``forms`` says what comes in, ``tables`` what is stored, ``service`` what is answered. When an address changes the
citizen is told: ``notices`` says what, ``outbox`` keeps it until ``sender`` has asked the notifications service for it.
"""
