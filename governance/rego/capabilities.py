"""The builtins that any Rego here may use: OPA's own form of such a list, so that ``opa check`` takes the same file."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

CAPABILITIES = Path(__file__).resolve().parents[2] / "policies" / "capabilities.json"

REFUSED = frozenset(  # builtins of either engine that the file leaves out
    {"http.send", "json.match_schema", "json.verify_schema", "net.lookup_ip_addr"}  # call others; schemas by "$ref"
    | {"internal.print", "internal.test_case", "opa.runtime", "print", "trace"}  # tell of the host, or tell others
    | {"io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw"}  # another answer each time
    | {"rand.intn", "rego.metadata.chain", "rego.metadata.rule", "rego.parse_module", "uuid.rfc4122"}
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Names of builtins: ``known`` are all of the file, ``for_others`` those whose answer follows from arguments."""

    known: frozenset[str]
    for_others: frozenset[str]

    @classmethod
    @cache
    def read(cls) -> Self:
        """Read the file that is shipped beside the policies."""
        builtins = json.loads(CAPABILITIES.read_text(encoding="utf-8"))["builtins"]
        known = frozenset(one["name"] for one in builtins)
        return cls(known, known - {one["name"] for one in builtins if one.get("nondeterministic")})
