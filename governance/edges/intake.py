"""The carrier of the edges' decision logs: entries of OPA, as the intake takes them.

1. An entry of ours that cannot be taken is kept as it came, with the edge that sent it, which is not in it. OPA is
   answered 200: sent again, the entry would be no better.
2. What another policy decided at the edge is not ours to keep: it is named in the answer and forgotten.
"""

import json
from typing import Any

from governance.audit import Event, Source
from governance.edges.log import decided_here, read_entry
from governance.errors import Fault, InvalidInput
from governance.formats import Context
from governance.intake import Carrier, Keeping, Sender


def _read(entry: Any, edge: Sender, context: Context) -> tuple[Event, ...]:
    if edge.ods is None:
        raise InvalidInput([Fault("", "comes from no edge of a trust")])
    return (read_entry(entry, Source(edge.name, edge.ods), context.now),)


def _pack(entry: Any, edge: Sender) -> bytes | None:
    if not decided_here(entry):
        return None
    return json.dumps({"edge": edge.name, "entry": entry, "ods": edge.ods}).encode()


def _unpack(raw: bytes) -> tuple[Any, Sender]:
    held = json.loads(raw)
    if not isinstance(held, dict) or held.keys() != {"edge", "entry", "ods"}:
        raise InvalidInput([Fault("", "is no entry of an edge")])
    return held["entry"], Sender(held["edge"], held["ods"])


DECISION_LOG: Carrier[Any] = Carrier("opa", _read, keeping=Keeping("opa", _pack, _unpack))
