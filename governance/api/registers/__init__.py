"""The registers: what feeds and changes trusts and services, people and ties, studies.

Rules:

1. Whose rows a caller may write, and what a change does, is in :mod:`governance.registers`.
2. In a feed a bad line is named by its number and costs its neighbours nothing.
3. No answer holds a secret; a person is a pseudonym in it.

Example: ``POST /catalogue/v1/studies`` with a line of JSON a study says how many lines were taken.
"""

from flask import Blueprint

from governance.api.registers.credentials import blueprint as credentials
from governance.api.registers.endings import blueprint as endings
from governance.api.registers.federation import blueprint as federation
from governance.api.registers.feeds import blueprint as feeds
from governance.api.registers.sessions import blueprint as sessions
from governance.api.registers.studies import blueprint as studies


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (credentials, endings, federation, feeds, sessions, studies)
