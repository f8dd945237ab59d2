"""The web page for testers and operators."""
