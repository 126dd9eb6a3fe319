"""A list of any length as one bound parameter, so that no number of ids exceeds what a statement takes."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, column, func, literal, select
from sqlmodel import Session

from governance.storage.dialect import on_postgres


def one_of_integers(session: Session, value: ColumnElement[Any], among: Sequence[int]) -> ColumnElement[bool]:
    """Compare a column of integers with a list: true for a row whose value is in it; an empty list matches nothing."""
    if on_postgres(session):
        return value == any_(literal(list(among), ARRAY(BigInteger)))
    return value.in_(select(column("value")).select_from(func.json_each(json.dumps(list(among)))))
