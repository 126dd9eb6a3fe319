"""The application of a server process: HTTP endpoints in front of the services."""

import gc
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask

from governance import api, console
from governance.api import cors
from governance.api.authzen.loop import EventLoopEndpoint, Receive, Scope_, Send
from governance.bootstrap import Services, build
from governance.jobs import Runtime
from governance.server._lifespan import Lifespan
from governance.server._patience import hurry
from governance.settings import Settings
from governance.telemetry import configure
from governance.web import addresses, browser, characters, observation, problems
from governance.web.services import EXTENSION
from governance.web.sessions import require_session

_WATCHERS = 2  # threads for those who watch the service


def create_app(services: Services) -> Flask:
    """Put the HTTP endpoints in front of the services; every route has its rule and its error map."""
    app = Flask("governance", static_folder=None)
    app.extensions[EXTENSION] = services
    addresses.install(app)
    settings = services.infrastructure.settings
    browser.install(
        app,
        database=services.infrastructure.database,
        clock=services.infrastructure.clock,
        base_url=settings.issuer,
        client_id=settings.console_client_id,
        session_key=settings.session_key.get_secret_value(),
        outbound=services.infrastructure.outbound,
    )
    problems.install(app)
    observation.install(app, services.infrastructure.metrics)
    cors.install(app, services.registers.origins)
    app.before_request(require_session)
    characters.install(app)
    for blueprint in api.blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(console.blueprint)
    hurry(app, settings.database_timeout)
    return app


def serve(settings: Settings) -> Lifespan:
    """Make the application of a server process, running: for an ASGI server's factory."""
    configure(settings.log_level)
    services = build(settings)
    runtime = Runtime(services)
    runtime.start()
    gc.collect()
    gc.freeze()  # what is there now stays for the life of the process: no collection need look at it again
    return Lifespan(create_asgi(services, create_app(services)), runtime)


def create_asgi(services: Services, app: Flask) -> EventLoopEndpoint:
    """Put the event loop's endpoint in front of an application, whose threads answer what it does not take.

    Whoever watches the service has threads of their own: when every other one waits, they must hear it.
    """
    wsgi: Any = app
    others: Any = WSGIMiddleware(wsgi, workers=services.infrastructure.settings.threads)
    watchers: Any = WSGIMiddleware(wsgi, workers=_WATCHERS)

    async def by_path(scope: Scope_, receive: Receive, send: Send) -> None:
        watched = scope["type"] == "http" and scope["path"] in observation.QUIET
        await (watchers if watched else others)(scope, receive, send)

    return EventLoopEndpoint(services, by_path)
