"""Rows to the domain's dataclasses and back, one module per noun; pure.

For each noun there are two functions: `<noun>_of(row)`, and `<noun>_values(<noun>)`, which gives values by column.
"""
