"""The application of a server process: HTTP endpoints in front of the services."""

import gc
from collections.abc import Callable
from typing import Any, TypeVar

from a2wsgi import WSGIMiddleware
from flask import Flask
from flask.typing import ResponseReturnValue

from governance import api, console
from governance.api import cors
from governance.api.authzen.loop import EventLoopEndpoint
from governance.bootstrap import Services, build
from governance.jobs import Runtime
from governance.server._bodies import BodyGate
from governance.server._ending import end_without
from governance.server._lifespan import Lifespan
from governance.server._patience import hurry
from governance.settings import Settings
from governance.telemetry import configure
from governance.threads import is_fault
from governance.web import addresses, browser, characters, observation, problems
from governance.web.asgi import Receive, Scope_, Send
from governance.web.services import EXTENSION
from governance.web.sessions import require_session

_WATCHERS = 2  # threads for those who watch the service

Given = TypeVar("Given")


class _Application(Flask):
    """Flask, to which a panic is an error: some libraries panic with what is no ``Exception``."""

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Do what comes before a view."""
        return _as_error(super().preprocess_request)

    def dispatch_request(self) -> ResponseReturnValue:
        """Call the view."""
        return _as_error(super().dispatch_request)


def create_app(services: Services) -> Flask:
    """Put the HTTP endpoints in front of the services; every route has its rule and its error map."""
    app = _Application("governance", static_folder=None)
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
        admits=lambda session, person: services.registers.federation.admits_person(
            session, person.issuer, person.subject, person.signed_in_at
        ),
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
    """Make the application of a server process, for an ASGI server's factory; its jobs start with its lifespan."""
    configure(settings.log_level)
    services = build(settings)
    services.infrastructure.vital.on_death(end_without)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    gc.collect()
    gc.freeze()  # what is there now stays for the life of the process: no collection need look at it again
    return Lifespan(create_asgi(services, create_app(services)), runtime, begin=runtime.start_jobs)


def create_asgi(services: Services, app: Flask) -> BodyGate:
    """Put what reads bodies, then the event loop's endpoint, before an application, whose threads answer the rest.

    Whoever watches the service has threads of their own: when every other one waits, they must hear it.
    """
    wsgi: Any = app
    others: Any = WSGIMiddleware(wsgi, workers=services.infrastructure.settings.threads)
    watchers: Any = WSGIMiddleware(wsgi, workers=_WATCHERS)

    async def by_path(scope: Scope_, receive: Receive, send: Send) -> None:
        watched = scope["type"] == "http" and scope["path"] in observation.QUIET
        await (watchers if watched else others)(scope, receive, send)

    return BodyGate(services, EventLoopEndpoint(services, by_path))


def _as_error(step: Callable[[], Given]) -> Given:
    """Take a step of a request. Raises what it raises, RuntimeError for a panic."""
    try:
        return step()
    except Exception:
        raise
    except BaseException as panic:
        if not is_fault(panic):
            raise
        raise RuntimeError(f"a request ended in {type(panic).__name__}") from panic
