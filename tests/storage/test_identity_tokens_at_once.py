"""An identity token that two processes take at the same moment, on both databases: one client has it from then on."""

from governance.storage import Database
from governance.tokens import TokenRefused, single_use
from governance.tokens.single_use import UsedToken
from tests.worlds.processes import at_once

TOKENS = tuple(UsedToken(f"header.claims-{number}".encode(), 4_000_000_000) for number in range(20))


def take(database: Database, client_id: str) -> list[bool]:
    """Use each token as one client and say which of them were not another's."""
    taken = []
    for token in TOKENS:
        try:
            with database.transaction() as session:
                single_use.bind(session, token, client_id)
        except TokenRefused:
            taken.append(False)
        else:
            taken.append(True)
    return taken


def test_one_of_two_clients_gets_each_token_and_keeps_it(database: Database) -> None:
    first, second = at_once(database.url, take, [("viewer-rkb",), ("viewer-rrk",)])
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert take(database, "viewer-rkb") == first
    assert take(database, "viewer-rrk") == second


def test_two_processes_of_one_client_share_its_tokens(database: Database) -> None:
    assert at_once(database.url, take, [("viewer-rkb",), ("viewer-rkb",)]) == [[True] * len(TOKENS)] * 2
