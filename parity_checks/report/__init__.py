"""Parity for people and for machines: one HTML file, JSON, JUnit."""
