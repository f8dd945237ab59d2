"""The web pages for testers and operators: read only, masked, for this machine.

status -> operation (gates, findings) -> ledger. Deciding is done on the command line, where people are named.
"""

from strangler.console.app import create_app, serve_console

__all__ = ["create_app", "serve_console"]
