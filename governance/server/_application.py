"""The application of a server process: HTTP endpoints in front of the services."""

import gc
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from flask import Flask

from governance import api, console
from governance.api import cors
from governance.api.authzen.loop import EventLoopEndpoint
from governance.bootstrap import Services, build
from governance.jobs import Runtime
from governance.server._lifespan import Lifespan
from governance.settings import Settings
from governance.telemetry import configure
from governance.web import addresses, browser, observation, problems
from governance.web.services import EXTENSION


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
    for blueprint in api.blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(console.blueprint)
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
    """Put the event loop's endpoint in front of an application, whose threads answer what it does not take."""
    others: Any = WSGIMiddleware(cast("Any", app), workers=services.infrastructure.settings.threads)
    return EventLoopEndpoint(services, others)
