"""The embedded engine: a lean mitmproxy master and one addon."""
