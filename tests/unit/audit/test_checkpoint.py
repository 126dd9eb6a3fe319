"""Signed notes and proofs to the byte, and hostile notes refused."""

import base64

import pytest

from governance.audit import checkpoint, proof
from governance.audit.checker._notes import TrustedKey, read_key, verified_claim
from governance.audit.checkpoint import Checkpoint, NoteSignature
from governance.audit.signer import NoteSigner, NoteVerifier, ed25519_valid

SIGNER = NoteSigner.from_seed("example.com/log", bytes(range(32)))
TEXT = "example.com/log\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
# The exact bytes are a promise to every verifier out there: Ed25519 is deterministic, so they never change.
NOTE = (
    TEXT + "\n— example.com/log "
    "1FXFIWV2fhS575E8FUjgChfhm/meM1ewIP5YRu5uaIGjP7ez0XfPGgv3kIkCffkw1vwNZAxOH0Sql1f0CrQaf0REvgA=\n"
)


def test_a_note_is_exactly_these_bytes() -> None:
    assert Checkpoint("example.com/log", 3, bytes(range(32))).text() == TEXT
    assert SIGNER.sign(TEXT) == NOTE


def test_the_key_id_is_that_of_the_signed_note_specification() -> None:
    # The example key of Go's sumdb/note, the first implementation of the format.
    published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    public_key = base64.b64decode(published.split("+", 2)[2])[1:]
    assert checkpoint.key_id("PeterNeumann", public_key).hex() == "c74f20a3"
    assert read_key(published).public_key == public_key


def test_a_note_comes_apart_into_what_was_signed() -> None:
    parsed = checkpoint.parse(NOTE)
    assert (parsed.text, parsed.checkpoint) == (TEXT, Checkpoint("example.com/log", 3, bytes(range(32))))
    assert SIGNER.verifier().verify(NOTE) == parsed.checkpoint


def test_signatures_of_unknown_keys_are_ignored() -> None:
    witness = NoteSigner.from_seed("witness.example", b"w" * 32).sign(TEXT).removeprefix(TEXT + "\n")
    assert SIGNER.verifier().verify(NOTE + witness).size == 3


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        NOTE.rstrip("\n"),
        NOTE.replace("\n3\n", "\n03\n"),
        NOTE.replace("\n3\n", "\n-3\n"),
        NOTE.replace("\n3\n", "\n3\x00\n"),
        NOTE.replace("\n3\n", "\n3\n\n"),
        NOTE.replace("AAEC", "AAE="),
        NOTE.replace("AAEC", "A_EC"),
        NOTE.replace("h8=", "h9="),
        NOTE.replace("— ", "- "),
        NOTE.replace("— example.com/log ", "— "),
        NOTE + "\n",
        NOTE + "— a b c\n",
        NOTE + "— a !!\n",
        "a\n" * 100_000,
    ],
)
def test_hostile_notes_are_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"a|the"):
        SIGNER.verifier().verify(note)


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("\n3\n", "\n4\n"),
        NoteSigner.from_seed("example.com/log", b"x" * 32).sign(TEXT),
        NoteSigner.from_seed("example.com/other", bytes(range(32))).sign(TEXT),
        checkpoint.assemble(TEXT, [NoteSignature(SIGNER.name, SIGNER.key_id, b"\x00" * 64)]),
        checkpoint.assemble(TEXT, [NoteSignature(SIGNER.name, SIGNER.key_id, b"\x00")]),
    ],
)
def test_a_note_without_a_valid_signature_by_the_key_is_nothing(note: str) -> None:
    with pytest.raises(ValueError, match="no valid signature"):
        SIGNER.verifier().verify(note)
    with pytest.raises(ValueError, match=r"signed|signature"):
        verified_claim(note, [TrustedKey(SIGNER.name, SIGNER.public_key)], ed25519_valid)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u2003b"])
def test_names_that_a_note_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        NoteSigner.from_seed(name, b"x" * 32)
    with pytest.raises(ValueError, match="key name"):
        NoteVerifier(name, SIGNER.public_key)


def test_only_whole_lines_are_signed() -> None:
    with pytest.raises(ValueError, match="newline"):
        SIGNER.sign("no newline")


def test_the_secret_has_no_representation() -> None:
    assert bytes(range(32)).hex() not in repr(SIGNER)
    assert not hasattr(SIGNER, "__dict__")


class TestVerifierKey:
    def test_is_read_back_by_the_checker(self) -> None:
        key = read_key(SIGNER.verifier_key())
        assert (key.name, key.public_key, key.id) == (SIGNER.name, SIGNER.public_key, SIGNER.key_id)

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "name",
            "name+00000000+",
            "name+00000000+AAAA",
            SIGNER.verifier_key().replace("example", "examples"),
            SIGNER.verifier_key()[:-4] + "AAAA",
        ],
    )
    def test_that_is_damaged_is_refused(self, line: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            read_key(line)


class TestProofFile:
    GOLDEN = f"c2sp.org/tlog-proof@v1\nindex 2\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n{NOTE}"

    def test_is_exactly_these_bytes(self) -> None:
        made = proof.InclusionProof(2, 3, (bytes(range(32)),), NOTE)
        assert made.text() == self.GOLDEN
        assert proof.parse(self.GOLDEN) == made

    def test_may_carry_extra_data_that_is_ignored(self) -> None:
        assert proof.parse(self.GOLDEN.replace("\nindex", "\nextra AAAA\nindex")) == proof.parse(self.GOLDEN)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("@v1", "@v2"),
            ("index 2", "index 02"),
            ("index 2", "index -2"),
            ("index 2\n", ""),
            ("AAEC", "AAE"),
            ("\n\nexample", "\nexample"),
            ("\n3\n", "\nx\n"),
        ],
    )
    def test_that_is_damaged_is_refused(self, old: str, new: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            proof.parse(self.GOLDEN.replace(old, new))
