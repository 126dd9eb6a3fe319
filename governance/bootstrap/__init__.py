"""The composition root: the only room that knows every concrete class.

``build`` makes the services of a process from its settings, ``create_app`` puts the HTTP doors in front of them. What
runs beside the requests is ``governance.jobs.Runtime``. Tests call the same three with their own settings and clock.
"""

from governance.bootstrap._build import build
from governance.bootstrap._infrastructure import new_id
from governance.bootstrap._server import create_app, create_door, serve

__all__ = ["build", "create_app", "create_door", "new_id", "serve"]
