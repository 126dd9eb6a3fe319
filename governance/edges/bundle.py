"""Policy bundles: our Rego and our agreements as one signed file that a trust's own OPA activates.

The file is OPA's bundle format (openpolicyagent.org, Bundles): a gzipped tar of modules, ``data.json``, ``.manifest``
and ``.signatures.json``. Rules:

1. Pure and deterministic: the same policies, data and key give the same bytes, in every process and on every day.
2. The roots cover every package and data path of the file, and nothing that an edge may hold of its own.
3. The signature covers every file but itself. Its ``scope`` is the bundle's name, so that no bundle of ours passes for
   another.
4. JSON files are written in the very form OPA hashes: members sorted by their UTF-8, no white space, strings as Go
   writes them. One text then serves as content and as what is signed.
5. The revision names the policy data, the rules and an edge's limit: an edge with old rules is as visible as one with
   old agreements.
6. The bundle says to an edge (``data.governance.edge``) how old its data may be; the service's own engine has no
   such limit.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from governance.agreements import PolicyData
from governance.decisions.engine import PolicySource

POLICY_BUNDLE = "imaging"
MEDIA_TYPE = "application/vnd.openpolicyagent.bundles"  # says to an OPA that this server knows long polling
Sign: TypeAlias = Callable[[Mapping[str, Any]], str]
_DIGITS = 12  # of the rules' digest in a revision


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it is served: ``revision`` is in its manifest, ``etag`` (RFC 9110 section 8.8.3) names its bytes."""

    name: str
    revision: str
    content: bytes
    etag: str


def bundle_revision(policies: PolicySource, data: PolicyData, stale_after: int) -> str:
    """Give the revision of a policy bundle (rule 5): that of the policy data, the rules' digest, and the limit."""
    return f"{data.revision}.{policies.digest[:_DIGITS]}.{stale_after}"


def policy_bundle(policies: PolicySource, data: PolicyData, stale_after: int, sign: Sign) -> Bundle:
    """Give the snapshot bundle of the rules and the agreements.

    Args:
        policies: the Rego modules, without tests.
        data: the compiled agreements, to be ``data.governance``.
        stale_after: seconds without word from the service after which an edge denies everything.
        sign: makes a JWT of claims.
    """
    files = {path: text.encode() for path, text in policies.modules}
    files["governance/data.json"] = canonical(data.document)
    files["governance/edge/data.json"] = canonical({"stale_after": stale_after})
    revision = bundle_revision(policies, data, stale_after)
    return pack(POLICY_BUNDLE, revision, ("governance", "imaging"), files, sign)


def pack(name: str, revision: str, roots: tuple[str, ...], files: Mapping[str, bytes], sign: Sign) -> Bundle:
    """Pack and sign files.

    Args:
        name: of the bundle, and the scope of its signature.
        revision: for the manifest.
        roots: what the bundle owns of an OPA's documents.
        files: content by path; a JSON file in its :func:`canonical` form.
        sign: makes a JWT of claims.
    """
    manifest = {"revision": revision, "roots": sorted(roots), "rego_version": 1}
    content = {**files, ".manifest": canonical(manifest)}
    claims = {
        "files": [
            {"name": path, "hash": hashlib.sha256(content[path]).hexdigest(), "algorithm": "SHA-256"}
            for path in sorted(content)
        ],
        "scope": name,
    }
    packed = _archive({".signatures.json": canonical({"signatures": [sign(claims)]}), **content})
    return Bundle(name, revision, packed, f'"{hashlib.sha256(packed).hexdigest()}"')


def canonical(value: object) -> bytes:
    """Write a JSON value as OPA does before it hashes it (rule 4)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Go's encoder escapes the two line separators of JavaScript; nothing outside strings could be one.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Make a gzipped tar that depends neither on the time nor on the machine."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
