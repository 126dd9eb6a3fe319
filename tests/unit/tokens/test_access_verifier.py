"""The verifier remembers signatures it found good: a bounded number of them, and those in use stay."""

import pytest

from governance.tokens import _jose, verification
from governance.tokens.verification import AccessVerifier
from tests.worlds.tokens import ARCHIVE, GRANT, ISSUER, TokenWorld

FEW = 4


def test_a_token_in_use_is_verified_once_however_many_come_between(
    world: TokenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_CACHED", FEW)
    checked: list[str] = []
    verify = _jose.verify

    def noted(unverified: _jose.Unverified, key: object) -> object:
        checked.append(unverified.kid or "")
        return verify(unverified, key)  # type: ignore[arg-type]

    verifier, now = AccessVerifier(ISSUER, world.key_ring), world.clock.now()
    tokens = [world.tokens.mint(GRANT).token for _ in range(5 * FEW)]
    used = world.tokens.mint(GRANT).token
    first = verifier.verify(used, ARCHIVE, now)
    monkeypatch.setattr(_jose, "verify", noted)
    for token in tokens:
        verifier.verify(token, ARCHIVE, now)
        assert verifier.verify(used, ARCHIVE, now) is first
    assert len(checked) == len(tokens)
    assert len(verifier._known) <= 2 * FEW
    assert verifier.verify(tokens[0], ARCHIVE, now).jti != first.jti
    assert len(checked) == len(tokens) + 1  # the first of the others was forgotten, and is checked anew
