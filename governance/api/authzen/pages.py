"""Page tokens of the searches (AuthZEN Authorization API 1.0, section 8.1): where one search goes on, and no other.

A token says after which candidate to go on and how many results a page has, bound to the search and its caller. It
holds no identifier (a candidate's place is a pseudonym or a code). With another search, another caller or another limit
it is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from governance.access import BoundTokens, Page
from governance.api.authzen.schemas import SEARCH_LIMIT, SEARCH_MAXIMUM, SearchPage
from governance.errors import Fault, InvalidInput

_LABEL = b"imaging-governance/authzen-page\x01"


class Found(Protocol):
    """One page of what a search found, whoever was asked."""

    @property
    def id(self) -> str:
        """The search's own id."""
        ...

    @property
    def after(self) -> str | None:
        """Where the next page goes on, None at the end."""
        ...

    @property
    def index(self) -> int:
        """The search's place in the log."""
        ...

    @property
    def revision(self) -> str:
        """The revision that was asked."""
        ...


class PageTokens:
    """Reads and makes the page tokens of one search.

    Args:
        key_encryption_key: the service's own key; the tokens' key is derived from it under a label of its own.
        search: what is searched, by whom, and every member of the request that a later page must repeat.
    """

    def __init__(self, key_encryption_key: bytes, search: Mapping[str, Any]) -> None:
        self._tokens = BoundTokens(key_encryption_key, _LABEL, search)

    def page(self, asked: SearchPage) -> Page:
        """Give the page that a request asks for; the token's own limit stands for one that is left out.

        Raises:
            InvalidInput: the token is none of ours for this search, or the limit is another than before.
        """
        limit = min(SEARCH_LIMIT if asked.limit is None else asked.limit, SEARCH_MAXIMUM)
        if asked.token is None:
            return Page(limit)
        read = self._tokens.read(asked.token)
        if read is None:
            raise _refused("/page/token", "is not the next_token of this search")
        page = Page(*read)
        if asked.limit is not None and page.limit != limit:
            raise _refused("/page/limit", "must stay as it was on the first page")
        return page

    def answer(self, page: Page, found: Found, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Give the answer of a search (section 8.1.2): the hits, the token of the page after, and where it is logged.

        The token is empty at the end.
        """
        following = "" if found.after is None else self._tokens.make([page.limit, found.after])
        return {
            "page": {"next_token": following, "count": len(results)},
            "results": list(results),
            "context": {"id": found.id, "log_index": found.index, "policy_revision": found.revision},
        }


def _refused(path: str, message: str) -> InvalidInput:
    return InvalidInput([Fault(path, message)], "The page cannot be given.", "page.invalid")
