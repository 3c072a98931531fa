"""The floor of the comparison: what a good engineer would write by hand for the same answers, and nothing besides.

Only the definitions of the tables are ours. There are no rate limits, no ETags, no metrics, no log of requests, no headers
against attacks: what those cost is part of what is measured. `flask_app` and `fastapi_app` are two fronts of one backend,
so that they differ by their framework and its server alone.
"""
