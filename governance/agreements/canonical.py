"""The canonical text of an agreement: what is signed, hashed and kept.

RFC 8785 (JSON Canonicalization Scheme), so that two programs that read the same document sign the same bytes whatever
they did to its spaces, its key order or its number spelling. Exact bytes are pinned in a test.
"""

import hashlib
from collections.abc import Mapping

import rfc8785

from governance.audit.event import JsonValue


def canonical_text(document: Mapping[str, JsonValue]) -> str:
    """Give the RFC 8785 text of a document.

    Raises:
        ValueError: for a value JSON cannot say exactly (NaN, an integer past 2**53, a lone surrogate).
    """
    return rfc8785.dumps(document).decode("utf-8")


def text_hash(text: str) -> str:
    """Give the SHA-256 of a canonical text, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
