"""The HTTP API: one module per noun, and what they share."""
