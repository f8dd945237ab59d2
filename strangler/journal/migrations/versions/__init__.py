"""The versions, oldest first by their number."""
