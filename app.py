"""The entry: an ASGI application for a server (``app:application``) and the command line."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.server import Lifespan


def application() -> "Lifespan":
    """Make the ASGI application from the environment's settings (for a server's factory option)."""
    from governance.server import begin

    return begin(os.environ)


if __name__ == "__main__":
    from governance.cli import main

    main()
