"""Enforcement points: nginx, Envoy and Orthanc ask before an archive answers; lists are read through here.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.points.dicomweb import blueprint as dicomweb
from governance.api.points.envoy import blueprint as envoy
from governance.api.points.nginx import blueprint as nginx
from governance.api.points.orthanc import blueprint as orthanc


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (dicomweb, envoy, nginx, orthanc)
