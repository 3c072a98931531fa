"""Measurements of the SDK against its alternatives, side by side in one run: `python -m benchmarks`."""
