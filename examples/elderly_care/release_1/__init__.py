"""Release 1 of the shared services: the clean ones, each with deliberate faults put over some of its handlers.

One module for each service, one small function for each fault; ``../defects.yaml`` is the list of them, the ground
truth that the demo's findings are held against. ``faults`` is how a fault is put over a handler.
"""
