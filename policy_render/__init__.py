"""Data and a template version in, deterministic PDF/A out. Knows no key, no client, no contract state."""
