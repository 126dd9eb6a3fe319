"""Server: the HTTP endpoints in front of the services, and the application that a server process runs.

Rules of this room:

1. An ASGI server calls ``begin``, which builds the services, starts their jobs and gives the application. Whatever the
   process says from then on is a log line.
2. Tests put the same endpoints in front of services of their own: ``create_app(services)``, and
   ``create_asgi(services, app)`` with the endpoint of the event loop before it.

Example: ``begin(os.environ)``.
"""

from governance.server._application import create_app, create_asgi, serve
from governance.server._lifespan import Lifespan
from governance.server._process import begin

__all__ = ["Lifespan", "begin", "create_app", "create_asgi", "serve"]
