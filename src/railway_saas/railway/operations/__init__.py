"""Every call this SDK makes, as pure values: checked arguments in, an `Operation` out.

Hand several to `client.batch([...])` to send them as one request.
"""
