"""The reference server: the whole platform on top of the SDK, in Flask on gunicorn.

Read in this order: `settings` (what it is told), `composition` (what it is made of), `app` (what answers), `jobs.table`
(what works in the background). Each noun of the API has one module in `api`, each of the server's own tables one in `data`.
"""
