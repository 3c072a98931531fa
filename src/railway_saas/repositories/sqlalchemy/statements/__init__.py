"""Statements, one module per noun; pure. What they are for is said at the Protocols."""
