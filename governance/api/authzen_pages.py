"""Page tokens of the searches (AuthZEN Authorization API 1.0, section 8.1): where one search goes on, and no other.

A token says after which candidate to go on and how many results a page has, under an HMAC that also covers the search
and its caller. It keeps no state here, holds no identifier (a candidate's place is a pseudonym or a code), and any
process can read it. With another search, another caller or another limit it is refused.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from governance.api.authzen_schemas import SEARCH_LIMIT, SEARCH_MAXIMUM, SearchPage
from governance.enforcement import Page
from governance.errors import Fault, InvalidInput

_LABEL = b"imaging-governance/authzen-page\x01"
_TAG = 32  # bytes of HMAC-SHA256


class PageTokens:
    """Reads and makes the page tokens of one search.

    Args:
        key_encryption_key: the service's own key; the tokens' key is derived from it under a label of its own.
        search: what is searched, by whom, and every member of the request that a later page must repeat.
    """

    def __init__(self, key_encryption_key: bytes, search: Mapping[str, Any]) -> None:
        self._key = hmac.digest(key_encryption_key, _LABEL, "sha256")
        self._digest = hashlib.sha256(json.dumps(search, sort_keys=True).encode()).digest()

    def page(self, asked: SearchPage) -> Page:
        """Give the page that a request asks for; the token's own limit stands for one that is left out.

        Raises:
            InvalidInput: the token is none of ours for this search, or the limit is another than before.
        """
        limit = min(SEARCH_LIMIT if asked.limit is None else asked.limit, SEARCH_MAXIMUM)
        if asked.token is None:
            return Page(limit)
        read = self._read(asked.token)
        if read is None:
            raise _refused("/page/token", "is not the next_token of this search")
        if asked.limit is not None and read.limit != limit:
            raise _refused("/page/limit", "must stay as it was on the first page")
        return read

    def next(self, page: Page, after: str | None) -> str:
        """Give the token of the page after; empty at the end."""
        if after is None:
            return ""
        body = json.dumps([page.limit, after]).encode()
        return base64.urlsafe_b64encode(self._tag(body) + body).rstrip(b"=").decode()

    def _read(self, token: str) -> Page | None:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        tag, body = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(body)):
            return None
        limit, after = json.loads(body)
        return Page(limit, after)

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._digest + body, "sha256")


def _refused(path: str, message: str) -> InvalidInput:
    return InvalidInput([Fault(path, message)], "The page cannot be given.", "page.invalid")
