"""The shared services that replace the departments' own copies."""
