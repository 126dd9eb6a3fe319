"""Questions as the demo region answers them; the description of the API shows them and a test sends them."""

from collections.abc import Mapping
from typing import Any

_STUDY = "1.2.826.0.1.3680043.10.1999.1.1"
_RADIOLOGIST: Mapping[str, Any] = {
    "type": "practitioner",
    "id": "radiologist.rkb",
    "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
}
_TREAT = {"purpose": "TREAT"}

EVALUATION: Mapping[str, Any] = {
    "subject": _RADIOLOGIST,
    "action": {"name": "read"},
    "resource": {"type": "study", "id": _STUDY},
    "context": _TREAT,
}
EVALUATIONS: Mapping[str, Any] = {
    "subject": _RADIOLOGIST,
    "action": {"name": "read"},
    "context": _TREAT,
    "evaluations": [{"resource": {"type": "study", "id": f"{_STUDY[:-1]}{number}"}} for number in (1, 2)],
}
SUBJECTS: Mapping[str, Any] = {
    "subject": {"type": "practitioner", "properties": {"assurance": 3}},
    "action": {"name": "read"},
    "resource": {"type": "study", "id": _STUDY},
    "context": _TREAT,
}
RESOURCES: Mapping[str, Any] = {
    "subject": _RADIOLOGIST,
    "action": {"name": "read"},
    "resource": {"type": "study"},
    "context": _TREAT,
    "page": {"limit": 50},
}
ACTIONS: Mapping[str, Any] = {
    "subject": _RADIOLOGIST,
    "resource": {"type": "study", "id": _STUDY},
    "context": _TREAT,
}
