"""Server: the HTTP endpoints in front of the services, and the application that a server process runs.

``serve`` is what an ASGI server calls: ``serve(from_environment(os.environ))``. Tests put the same endpoints in front
of services of their own: ``create_app(services)``, and ``create_asgi(services, app)`` with the event loop before it.
"""

from governance.server._application import create_app, create_asgi, serve

__all__ = ["create_app", "create_asgi", "serve"]
