"""Signatures against the RFCs' own vectors, and the ways in which one does not count."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from governance.agreements import Algorithm, PartyKey, Signature, canonical_text, text_hash
from governance.agreements.signing import SignatureBook, new_private_key, public_key_of, read_public_key, sign, verify
from tests.worlds.agreements import document

AT = datetime(2026, 11, 24, tzinfo=UTC)
PKCS8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
SPKI = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def es256_key() -> str:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*PKCS8).decode()


def test_ed25519_agrees_with_rfc_8032_test_2() -> None:
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed).private_bytes(*PKCS8).decode()
    wanted = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert sign("r", private) == base64.urlsafe_b64encode(wanted).rstrip(b"=").decode()
    assert verify("r", sign("r", private), public_key_of(private))


def test_es256_agrees_with_rfc_7515_a_3() -> None:
    x, y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    numbers = (int.from_bytes(base64.urlsafe_b64decode(one + "="), "big") for one in (x, y))
    public = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key().public_bytes(*SPKI).decode()
    signed = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ"
    )
    signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    assert verify(signed, signature, public)
    assert not verify(signed + " ", signature, public)


@pytest.mark.parametrize("make", [new_private_key, es256_key])
def test_a_signature_is_for_one_text_and_one_key(make: object) -> None:
    private, other = make(), make()  # type: ignore[operator]
    text = canonical_text(document())
    made = sign(text, private)
    assert verify(text, made, public_key_of(private))
    assert not verify(text + " ", made, public_key_of(private))
    assert not verify(text, made, public_key_of(other))
    assert not verify(text, made, public_key_of(new_private_key()))
    assert not verify(text, made, public_key_of(es256_key()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made + "==",
        lambda made: made[:-1],
        lambda made: "",
        lambda made: "é" * 86,
        lambda made: "+" + made[1:],
        lambda made: made[:-1] + chr(ord(made[-1]) + 1),
    ],
)
def test_a_signature_has_one_spelling(spoil: object) -> None:
    private = new_private_key()
    assert not verify("text", spoil(sign("text", private)), public_key_of(private))  # type: ignore[operator]


def test_a_key_id_is_made_of_the_key() -> None:
    public = public_key_of(new_private_key())
    algorithm, key_id, normal = read_public_key("\n" + public)
    assert algorithm is Algorithm.ED25519
    assert len(key_id) == 43
    assert normal == public
    assert read_public_key(public_key_of(es256_key()))[0] is Algorithm.ES256


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "é",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        new_private_key(),
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(*SPKI).decode(),
        ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*SPKI).decode(),
    ],
)
def test_other_keys_are_refused(pem: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_public_key(pem)


@pytest.mark.parametrize("pem", ["", "x", rsa.generate_private_key(65537, 2048).private_bytes(*PKCS8).decode()])
def test_other_private_keys_are_refused(pem: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        sign("text", pem)


class TestBook:
    text = canonical_text(document())
    private = new_private_key()
    key_id = read_public_key(public_key_of(private))[1]
    key = PartyKey(key_id, "RRK", "A", "Guardian", Algorithm.ED25519, public_key_of(private), AT)
    signature = Signature("RRK", "A", "Guardian", key_id, Algorithm.ED25519, sign(text, private), AT)

    def valid(self, signature: Signature, *keys: PartyKey, text: str | None = None) -> frozenset[str]:
        against = text or self.text
        return SignatureBook().valid(against, text_hash(against), [signature], {key.key_id: key for key in keys})

    def test_a_right_signature_counts(self) -> None:
        assert self.valid(self.signature, self.key) == {"RRK"}

    def test_nothing_else_does(self) -> None:
        assert not self.valid(self.signature)
        assert not self.valid(self.signature, replace(self.key, revoked_at=AT))
        assert not self.valid(self.signature, replace(self.key, ods="RKB"))
        assert not self.valid(replace(self.signature, ods="RKB"), self.key)
        assert not self.valid(replace(self.signature, algorithm=Algorithm.ES256), self.key)
        assert not self.valid(self.signature, self.key, text=self.text + " ")

    def test_revocation_is_asked_anew(self) -> None:
        book, digest = SignatureBook(), text_hash(self.text)
        keys = {self.key_id: self.key}
        assert book.valid(self.text, digest, [self.signature], keys)
        keys[self.key_id] = replace(self.key, revoked_at=AT)
        assert not book.valid(self.text, digest, [self.signature], keys)


def test_the_canonical_text_is_pinned() -> None:
    made = {"b": [1, 1.0, "é\n"], "a": {"z": None, "A": True}, "\u20ac": 1e21}
    assert canonical_text(made) == '{"a":{"A":true,"z":null},"b":[1,1,"é\\n"],"€":1e+21}'
    assert text_hash('{"a":1}') == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    shuffled = dict(reversed(list(document().items())))
    assert canonical_text(shuffled) == canonical_text(document())
