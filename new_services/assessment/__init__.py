"""Assessment: how much help somebody needs, as the council found it, and requests to look again.

``forms`` says what comes in, ``tables`` what is stored, ``service`` what is answered.
"""
