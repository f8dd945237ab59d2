"""The plan: models, loader, schema, lint, explain."""
