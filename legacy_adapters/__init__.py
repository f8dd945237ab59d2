"""Reaches old systems by their own protocols, validated and bounded, and lets new services answer in them."""
