"""Enforcement points: nginx, Envoy and Orthanc ask before an archive answers; lists are read through here.

Rules:

1. A point proves itself with the key of its archive before anything else is looked at.
2. A refusal carries its reason, an admission its decision and its place in the log.
3. What cannot be understood, decided or recorded is refused.

Example: ``GET /enforce/nginx`` with the original request in ``X-Original-Method`` and ``X-Original-URI``; 204 admits.
"""

from flask import Blueprint

from governance.api.points.dicomweb import blueprint as dicomweb
from governance.api.points.envoy import blueprint as envoy
from governance.api.points.nginx import blueprint as nginx
from governance.api.points.orthanc import blueprint as orthanc


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (dicomweb, envoy, nginx, orthanc)
