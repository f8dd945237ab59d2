"""From a body on the wire to a document that can be compared. Pure.

``decoding`` undoes content-encoding and charset within bounds; ``document`` picks the reader by media type; one module
for each form of body; ``trees`` is what all of them become.
"""
