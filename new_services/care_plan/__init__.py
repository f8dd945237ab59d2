"""Care plan: what care somebody gets at home, whom to ring, and what the reviews found.

``forms`` says what comes in, ``tables`` what is stored, ``service`` what is answered.
"""
