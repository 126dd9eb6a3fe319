"""Agreements on their way out of one register and into another: the text, its signatures beside it, three formats.

An item is ``{"agreement": <document>, "signatures": [...], "text_hash": "..."}``. Rules:

1. The document is the signed text, nothing added: whoever reads an item makes the same canonical text and hash of it.
2. Only signatures that count leave, each with the public key it verifies under. What a revoked key signed stays behind,
   for the next register would not know of the revocation.
3. No status leaves: what is in force is decided where it is in force.
4. The same records give the same bytes: items by name and version, signatures by organisation and key.
5. YAML is written so that a reader of the JSON schema of YAML 1.2, and one of YAML 1.1, read the same values.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from governance.agreements._syntax import IMPLICIT_TYPES, pointer
from governance.agreements.record import Algorithm, PartyKey, Record, Signature
from governance.agreements.signing import read_public_key, verify
from governance.errors import Fault

_MEMBERS = frozenset({"agreement", "signatures", "text_hash"})
_LINE = 120
_BREAKS = re.compile(r"[\t\n\r\x80-\x9f\u2028\u2029\ufeff]")
_KEY = re.compile(r"-----BEGIN [A-Z ]+-----\n(?:[A-Za-z0-9+/=]+\n)+-----END [A-Z ]+-----\n")


class Format(StrEnum):
    """How items are written."""

    JSON = "json"
    NDJSON = "ndjson"
    YAML = "yaml"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.YAML: "application/yaml",  # RFC 9512
}


class PackedSignature(BaseModel):
    """A signature with the public key it verifies under (PEM); ``name`` and ``role`` say who holds the key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Algorithm
    key_id: str = Field(max_length=64)
    name: str = Field(min_length=1, max_length=200)
    ods: str = Field(max_length=10)
    public_key: str = Field(max_length=1_000)
    role: str = Field(min_length=1, max_length=200)
    signature: str = Field(max_length=100)
    signed_at: AwareDatetime


def is_item(value: object) -> bool:
    """Say whether a value is an item with signatures rather than a plain document."""
    return isinstance(value, Mapping) and "agreement" in value and "id" not in value


def pack(record: Record, keys: Mapping[str, PartyKey]) -> dict[str, Any]:
    """Give the item of a version (rules 1 to 3).

    Args:
        record: the version.
        keys: every registered key by id.
    """
    lines = [
        _packed(signature, key)
        for signature in sorted(record.signatures, key=lambda one: (one.ods, one.key_id))
        if (key := keys.get(signature.key_id)) is not None
        and key.revoked_at is None
        and verify(record.text, signature.signature, key.public_key)
    ]
    return {"agreement": json.loads(record.text), "signatures": lines, "text_hash": record.text_hash}


def render(items: Iterable[Mapping[str, Any]], as_format: Format) -> str:
    """Write items: a YAML document each, a line of JSON each, or one JSON array."""
    if as_format is Format.YAML:
        return "".join(_yaml(item) for item in items)
    if as_format is Format.NDJSON:
        return "".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n" for item in items)
    return json.dumps(list(items), ensure_ascii=False, indent=2) + "\n"


def item_faults(item: Mapping[str, Any], prefix: str) -> list[Fault]:
    """List what is wrong with an item's members and with the shape of its signatures; its document is not looked at."""
    faults = [
        Fault(f"{prefix}/{pointer(name)}", "is not a field of this format") for name in item if name not in _MEMBERS
    ]
    lines = item.get("signatures", [])
    if not isinstance(lines, list):
        return [*faults, Fault(f"{prefix}/signatures", "must be a list")]
    for number, line in enumerate(lines):
        try:
            PackedSignature.model_validate(line)
        except ValidationError as error:
            faults += [
                Fault("/".join([f"{prefix}/signatures/{number}", *map(pointer, one["loc"])]), one["msg"])
                for one in error.errors(include_input=False)
            ]
    return faults


def signatures_of(item: Mapping[str, Any]) -> tuple[PackedSignature, ...]:
    """Give the signatures of an item that has no faults."""
    return tuple(PackedSignature.model_validate(line) for line in item.get("signatures", []))


def signature_faults(
    signed: PackedSignature, text: str, signatories: frozenset[str], now: datetime, path: str
) -> list[Fault]:
    """List why a signature of an item does not count for a text: another party, another key, other bytes."""
    try:
        algorithm, key_id, _ = read_public_key(signed.public_key)
    except ValueError as error:
        return [Fault(f"{path}/public_key", str(error))]
    faults = []
    if signed.ods not in signatories:
        faults.append(Fault(f"{path}/ods", "is not one of the parties that sign"))
    if signed.key_id != key_id:
        faults.append(Fault(f"{path}/key_id", "is not the id of the public key"))
    if signed.algorithm is not algorithm:
        faults.append(Fault(f"{path}/algorithm", "is not the algorithm of the public key"))
    if signed.signed_at > now:
        faults.append(Fault(f"{path}/signed_at", "has not come yet"))
    if not verify(text, signed.signature, signed.public_key):
        faults.append(Fault(f"{path}/signature", "is not the signature of this text by this key"))
    return faults


def _packed(signature: Signature, key: PartyKey) -> dict[str, Any]:
    line = PackedSignature(
        algorithm=signature.algorithm,
        key_id=signature.key_id,
        name=signature.name,
        ods=signature.ods,
        public_key=key.public_key,
        role=signature.role,
        signature=signature.signature,
        signed_at=signature.signed_at.astimezone(UTC),
    )
    return line.model_dump(mode="json")


class _Dumper(yaml.SafeDumper):
    """A safe dumper that quotes whatever either reader would take for something else than text (rule 5)."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value in full, for our reader refuses aliases."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Write a key as the lines it is, and escape whatever YAML would take for a break of its own and fold away."""
    style = '"' if _BREAKS.search(value) else None
    if _KEY.fullmatch(value):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
for _tag, _pattern, _first in IMPLICIT_TYPES:
    _Dumper.add_implicit_resolver(_tag, _pattern, list(_first))


def _yaml(item: Mapping[str, Any]) -> str:
    return yaml.dump(
        dict(item), Dumper=_Dumper, allow_unicode=True, default_flow_style=False, explicit_start=True, width=_LINE,
        sort_keys=False,
    )  # fmt: skip
