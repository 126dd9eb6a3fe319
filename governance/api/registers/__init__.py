"""The registers: trusts and services, people and ties, studies: what feeds and changes them.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.registers.credentials import blueprint as credentials
from governance.api.registers.federation import blueprint as federation
from governance.api.registers.feeds import blueprint as feeds


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (credentials, federation, feeds)
