"""Asks the other side, compares, and says how sure we are: exchange -> ask -> canonical -> compare -> outcome."""
