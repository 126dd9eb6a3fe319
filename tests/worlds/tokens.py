"""A little world of tokens: two trusts with real keys, their issuers, an archive, a viewer, an AI service."""

import base64
import itertools
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from governance.audit import Recorder, Source
from governance.audit.log import AuditLog
from governance.audit.signer import NoteSigner
from governance.clock import FixedClock
from governance.federation import FederationDirectory, IdentityProvider, ServiceClient, Trust
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.tokens import (
    AccessGrant,
    AgreementReference,
    Form,
    KeyRing,
    RemoteKeySets,
    StudyAuthorization,
    TokenService,
    parse_form,
)
from governance.vocabulary import SYSTEM, Action, Purpose, Role, SubjectType

ISSUER = "https://broker.test"
ENDPOINT = f"{ISSUER}/oauth/token"
BROKER = "imaging-governance"
ARCHIVE = "https://archive.rrk.test"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEK = bytes(range(32))
ORIGIN = "log.test/tokens"
STUDY = "1.2.826.0.1.3680043.8.498.1"
GRANT = AccessGrant(
    subject="s-somebody",
    subject_type=SubjectType.PRACTITIONER,
    client_id="viewer.rkb",
    audience=ARCHIVE,
    scopes=frozenset({"user/ImagingStudy.r"}),
    seconds=60,
    ods="RKB",
    role=Role.CLINICIAN,
    actor="viewer.rkb",
    study=StudyAuthorization(STUDY, (Action.READ,), Purpose.TREAT),
    agreement=AgreementReference("wm-direct-care", "3", "4.1"),
    decision_id="decision-1",
)


class KeyPair:
    """A key pair, with joserfc as the signer that shares no code with the room under test."""

    def __init__(self, key: ECKey | RSAKey, algorithm: str, kid: str) -> None:
        self.key, self.algorithm, self.kid = key, algorithm, kid

    @classmethod
    def ec(cls, kid: str) -> "KeyPair":
        return cls(ECKey.generate_key("P-256"), "ES256", kid)

    @classmethod
    def rsa(cls, kid: str, algorithm: str = "RS256", bits: int = 2048) -> "KeyPair":
        return cls(RSAKey.generate_key(bits), algorithm, kid)

    @property
    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        protected = {"alg": self.algorithm, "kid": self.kid, **header}
        members = {name: value for name, value in protected.items() if value is not None}
        return jwt.encode(members, dict(claims), self.key, algorithms=[self.algorithm])


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_token(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"\0" * 64) -> str:
    """A token put together by hand, for what no library will sign."""
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), b64(signature)])


def form(**fields: str) -> Form:
    return Form(fields)


def encoded(body: str) -> Form:
    return parse_form(body.encode())


class TokenWorld:
    """Everything real but the network: the issuers' key sets are served from memory."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.clock, self.database = clock, database
        self._numbers = itertools.count(1)
        pseudonymiser = Pseudonymiser(b"k" * 32)
        signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
        self.audit = AuditLog(database, pseudonymiser, Vault(b"e" * 32), signer, clock, ORIGIN)
        self.audit.start()
        self.federation = FederationDirectory(pseudonymiser)
        self.keys = {name: KeyPair.ec(f"{name}-1") for name in ("idp.rkb", "viewer.rkb", "archive.rrk", "triage")}
        self.keys["idp.rrk"] = KeyPair.rsa("idp.rrk-1")
        self.served = {
            f"https://idp.{ods}.test/jwks": {"keys": [self.keys[f"idp.{ods}"].public]} for ods in ("rkb", "rrk")
        }
        self.fetches: list[str] = []
        self._register()
        self.key_ring = KeyRing(database, KEK)
        self.tokens = TokenService(
            issuer=ISSUER,
            database=database,
            federation=self.federation,
            recorder=Recorder(self.audit, clock, Source(SYSTEM, "QHL"), lambda: f"id-{next(self._numbers)}"),
            keys=self.key_ring,
            clock=clock,
            key_sets=RemoteKeySets(self._fetch),
        )

    def close(self) -> None:
        self.audit.close()

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def client(self, client_id: str) -> ServiceClient:
        with self.database.reading() as session:
            found = self.federation.client(session, client_id)
        assert found is not None
        return found

    def assertion_claims(self, client_id: str = "viewer.rkb", **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ENDPOINT,
            "iat": self.now,
            "exp": self.now + 60,
            "jti": f"assertion-{next(self._numbers)}",
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not ...}

    def assertion(self, client_id: str = "viewer.rkb", **changes: Any) -> str:
        return self.keys[client_id].sign(self.assertion_claims(client_id, **changes))

    def client_form(self, assertion: str, **fields: str) -> Form:
        return form(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion, **fields)

    def identity_claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": "https://idp.rkb.test",
            "sub": "clinician.rkb",
            "aud": BROKER,
            "iat": self.now,
            "exp": self.now + 600,
            "name": "Dr Invented",
            "idassurancelevel": "3",
            "authentication_assurance_level": "3",
            "selected_roleid": "555000020001",
            "nhsid_nrbac_roles": [
                {"person_roleid": "555000020001", "org_code": "RKB", "role_code": "S8000:G8000:R8000"},
            ],
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not ...}

    def identity_token(self, **changes: Any) -> str:
        return self.keys["idp.rkb"].sign(self.identity_claims(**changes))

    def _fetch(self, address: str) -> bytes:
        self.fetches.append(address)
        return json.dumps(self.served[address]).encode()

    def _register(self) -> None:
        with self.database.transaction() as session:
            for ods, name in (("RRK", "University Hospitals Birmingham"), ("RKB", "Coventry and Warwickshire")):
                self.federation.register_trust(session, Trust(ods, name))
                issuer = f"https://idp.{ods.lower()}.test"
                provider = IdentityProvider(issuer, ods, f"{issuer}/jwks", (BROKER,))
                self.federation.register_identity_provider(session, provider)
            for client in self._clients():
                self.federation.register_client(session, client)

    def _clients(self) -> list[ServiceClient]:
        def keys(name: str) -> dict[str, Any]:
            return {"keys": [self.keys[name].public]}

        service = SubjectType.SERVICE
        scopes = frozenset({"access.evaluate", "audit.write"})
        return [
            ServiceClient("viewer.rkb", "RKB", "Viewer", service, keys("viewer.rkb"), scopes, (ARCHIVE,)),
            ServiceClient(
                "archive.rrk",
                "RRK",
                "Archive",
                service,
                keys("archive.rrk"),
                frozenset({"audit.write"}),
                (),
                None,
                ARCHIVE,
            ),
            ServiceClient(
                "triage", "RKB", "Triage", SubjectType.AI_SERVICE, keys("triage"), scopes, (ARCHIVE,), ai_version="2.1"
            ),
        ]
