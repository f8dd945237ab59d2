"""Ids that each side makes of its own: found in answers, found and exchanged in requests. Pure.

``answers.ids_at`` takes a created thing's id out of an answer. ``requests.find`` says which ids a request holds and
where; ``Spots.exchanged`` writes the other side's ids in their stead, and changes nothing else of the request.
Which id belongs to which is the journal's to know (``strangler.journal.identities``).
"""
