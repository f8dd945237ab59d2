"""``python -m strangler`` is the command line."""

from strangler.cli import main

main()
