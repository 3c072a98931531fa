"""The server-rendered pages: views, templates and static files have their place here. None are built yet."""
