"""DPoP (RFC 9449): what must be refused and what must pass, at the token endpoint and with a token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from governance.tokens import TokenFault, TokenRefused, dpop
from tests.worlds.tokens import KeyPair, b64, raw_token

NOW = 1_800_000_000
URL = "https://archive.rrk.test/studies/1.2.3"
TOKEN = "an.access.token"
KEY, OTHER = KeyPair.ec("k"), KeyPair.ec("o")
RSA = KeyPair.rsa("r")


@dataclass(frozen=True)
class Case:
    """A proof as a client could send it: changes to the claims and header of a good one."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    signer: KeyPair = KEY
    token: str | None = TOKEN
    fault: TokenFault | None = None
    finish: Callable[[str], tuple[str, ...]] = lambda proof: (proof,)

    def proofs(self) -> tuple[str, ...]:
        claims = {"htm": "GET", "htu": URL, "iat": NOW, "jti": "one", "ath": dpop.token_hash(TOKEN), **self.claims}
        header = {"typ": "dpop+jwt", "jwk": self.signer.key.as_dict(private=False), "kid": None, **self.header}
        members = {name: value for name, value in claims.items() if value is not ...}
        return self.finish(self.signer.sign(members, **header))


def by_hand(fault: TokenFault, **changes: Any) -> Case:
    """A proof that no library would sign."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.key.as_dict(private=False), **changes}
    claims = {"htm": "GET", "htu": URL, "iat": NOW, "jti": "one", "ath": dpop.token_hash(TOKEN)}
    return Case(finish=lambda _proof: (raw_token(header, claims),), fault=fault)


MISSING = TokenFault.CLAIM_MISSING
REFUSED = {
    "no proof": Case(finish=lambda proof: (), fault=TokenFault.MALFORMED),
    "two headers": Case(finish=lambda proof: (proof, proof), fault=TokenFault.MALFORMED),
    "two headers joined by a comma": Case(finish=lambda proof: (f"{proof},{proof}",), fault=TokenFault.MALFORMED),
    "not a JWT": Case(finish=lambda proof: ("proof",), fault=TokenFault.MALFORMED),
    "no typ": Case(header={"typ": None}, fault=TokenFault.TYPE),
    "wrong typ": Case(header={"typ": "jwt"}, fault=TokenFault.TYPE),
    "no jwk": Case(header={"jwk": None}, fault=TokenFault.KEY),
    "jwk is text": by_hand(TokenFault.KEY, jwk="key"),
    "private key in jwk": Case(header={"jwk": KEY.key.as_dict(private=True)}, fault=TokenFault.KEY),
    "shared secret in jwk": Case(header={"jwk": {"kty": "oct", "k": b64(b"secret")}}, fault=TokenFault.KEY),
    "alg none": by_hand(TokenFault.ALGORITHM, alg="none"),
    "alg HS256": by_hand(TokenFault.ALGORITHM, alg="HS256"),
    "alg missing": by_hand(TokenFault.ALGORITHM, alg=None),
    "RS256": Case(signer=RSA, fault=TokenFault.ALGORITHM),
    "bad signature": Case(
        finish=lambda proof: (proof[:-8] + ("A" * 8 if proof[-8:] != "A" * 8 else "B" * 8),),
        fault=TokenFault.SIGNATURE,
    ),
    "signed by another key than jwk": Case(
        header={"jwk": OTHER.key.as_dict(private=False)}, fault=TokenFault.SIGNATURE
    ),
    "critical header": by_hand(TokenFault.CRITICAL_HEADER, crit=["jwk"]),
    "no jti": Case({"jti": ...}, fault=MISSING),
    "no htm": Case({"htm": ...}, fault=MISSING),
    "no htu": Case({"htu": ...}, fault=MISSING),
    "no iat": Case({"iat": ...}, fault=MISSING),
    "no ath": Case({"ath": ...}, fault=MISSING),
    "wrong htm": Case({"htm": "POST"}, fault=TokenFault.TARGET),
    "htm in other case": Case({"htm": "get"}, fault=TokenFault.TARGET),
    "htu of another path": Case({"htu": URL + "/series"}, fault=TokenFault.TARGET),
    "htu of another host": Case({"htu": URL.replace("rrk", "rkb")}, fault=TokenFault.TARGET),
    "htu of another scheme": Case({"htu": URL.replace("https", "http")}, fault=TokenFault.TARGET),
    "htu of another port": Case({"htu": URL.replace(".test", ".test:8443")}, fault=TokenFault.TARGET),
    "htu with a user": Case({"htu": URL.replace("//", "//user@")}, fault=TokenFault.TARGET),
    "htu is no address": Case({"htu": "https://[half"}, fault=TokenFault.TARGET),
    "htu with an encoded letter": Case({"htu": URL.replace("studies", "%73tudies")}, fault=TokenFault.TARGET),
    "htu with a dot segment": Case({"htu": URL.replace("/studies", "/./studies")}, fault=TokenFault.TARGET),
    "htu with a double slash": Case({"htu": URL.replace("/studies", "//studies")}, fault=TokenFault.TARGET),
    "htu with a closing slash": Case({"htu": URL + "/"}, fault=TokenFault.TARGET),
    "htu with blanks around": Case({"htu": f" {URL} "}, fault=TokenFault.TARGET),
    "htu with a line feed within": Case({"htu": URL.replace("studies", "stu\ndies")}, fault=TokenFault.TARGET),
    "htu with a tab within": Case({"htu": URL.replace("archive", "arc\thive")}, fault=TokenFault.TARGET),
    "htu with port 0": Case({"htu": URL.replace(".test", ".test:0")}, fault=TokenFault.TARGET),
    "htu with a padded port": Case({"htu": URL.replace(".test", ".test:0443")}, fault=TokenFault.TARGET),
    "htu in another script": Case({"htu": URL.replace("archive", "\u0430rchive")}, fault=TokenFault.TARGET),
    "htu path in other case": Case({"htu": URL.replace("studies", "Studies")}, fault=TokenFault.TARGET),
    "iat of four hundred digits": Case({"iat": 10**400}, fault=TokenFault.NUMBER),
    "exp beyond every calendar": Case({"exp": 10**15}, fault=TokenFault.CLAIM),
    "htu is a number": Case({"htu": 7}, fault=TokenFault.TARGET),
    "iat an hour ago": Case({"iat": NOW - 3600}, fault=TokenFault.ISSUED_AT),
    "iat in an hour": Case({"iat": NOW + 3600}, fault=TokenFault.ISSUED_AT),
    "iat is text": Case({"iat": str(NOW)}, fault=TokenFault.CLAIM),
    "expired by its own exp": Case({"exp": NOW - 60}, fault=TokenFault.EXPIRED),
    "wrong ath": Case({"ath": dpop.token_hash("another")}, fault=TokenFault.BINDING),
}
PASSED = {
    "as it should be": Case(),
    "at the token endpoint, without ath": Case({"ath": ...}, token=None),
    "htu with a query and a fragment": Case({"htu": URL + "?limit=1#top"}),
    "htu host in other case": Case({"htu": URL.replace("archive", "ARCHIVE")}),
    "htu scheme in other case": Case({"htu": URL.replace("https", "HTTPS")}),
    "htu with the default port": Case({"htu": URL.replace(".test", ".test:443")}),
    "extra claims": Case({"nbf": NOW, "colour": "blue"}),
    "iat 10 s ago": Case({"iat": NOW - 10}),
    "iat in 10 s": Case({"iat": NOW + 10}),
    "typ in other case": Case(header={"typ": "DPoP+JWT"}),
    "PS256": Case(signer=KeyPair.rsa("p", "PS256")),
}


def verify(case: Case) -> dpop.Proof:
    return dpop.verify_proof(case.proofs(), "GET", URL, NOW, case.token)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    case = REFUSED[name]
    with pytest.raises(TokenRefused) as caught:
        verify(case)
    assert caught.value.fault is case.fault


@pytest.mark.parametrize("name", PASSED)
def test_passed(name: str) -> None:
    case = PASSED[name]
    assert verify(case).thumbprint == case.signer.key.thumbprint()


def test_a_proof_is_remembered_longer_than_it_can_be_accepted() -> None:
    proof = verify(Case({"iat": NOW + dpop.AHEAD}))
    last_accepted = NOW + dpop.AHEAD + dpop.WINDOW + 10
    assert proof.expires_at >= last_accepted


def test_a_token_bound_to_another_key_is_refused() -> None:
    with pytest.raises(TokenRefused) as caught:
        dpop.require_binding(OTHER.key.thumbprint(), verify(Case()))
    assert caught.value.fault is TokenFault.BINDING
