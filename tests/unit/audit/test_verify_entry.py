"""The outsider's program: its Ed25519 against the library's, and every change of what it is given."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit import AuditLog, NoteSigner
from governance.audit.checker import verify_entry
from governance.audit.checker.verify_entry import Refused, ed25519_valid, verify
from governance.audit.signer import ed25519_valid as library_valid
from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from tests.worlds.basics import NOON
from tests.worlds.log import ORIGIN, some_event

PROGRAM = Path(verify_entry.__file__)
SIZE, INDEX = 300, 133
# RFC 8032 section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
            "655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
            "b00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
            "c027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
            "2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
            "d9bef1177331a704"
        ),
    ),
]
ORDER_EIGHT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL = [  # the canonical encodings of the eight points of small order (RFC 7748 and its errata have them as u)
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]


@pytest.mark.parametrize("vector", VECTORS, ids=["1", "2", "3", "sha-abc"])
def test_the_vectors_of_the_standard(vector: tuple[str, str, str, str]) -> None:
    secret, public, message, signature = (bytes.fromhex(part) for part in vector)
    key = Ed25519PrivateKey.from_private_bytes(secret)
    assert (key.public_key().public_bytes_raw(), key.sign(message)) == (public, signature)
    assert ed25519_valid(public, signature, message)
    assert not ed25519_valid(public, signature, message + b"x")


def test_it_says_of_every_signature_what_the_library_says() -> None:
    random = Random(8032)
    held = 0
    for number in range(120):
        key = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
        message = random.randbytes(random.randrange(200))
        given = [key.public_key().public_bytes_raw(), key.sign(message), message]
        if number % 4:
            part = random.randrange(3 if message else 2)
            given[part] = flipped(given[part], random)
        assert ed25519_valid(*given) == library_valid(*given), [each.hex() for each in given]
        held += ed25519_valid(*given)
    assert held == 30


def test_what_is_malformed_holds_nothing() -> None:
    _, public, _, signature = (bytes.fromhex(part) for part in VECTORS[0])
    s = int.from_bytes(signature[32:], "little")
    malleable = signature[:32] + (s + verify_entry.L).to_bytes(32, "little")
    for key, wrong in [
        (public, malleable),
        (public, signature[:-1]),
        (public, signature + b"\0"),
        (public, b""),
        (public[:-1], signature),
        (b"\xff" * 32, signature),
        ((2).to_bytes(32, "little"), signature),  # no point of the curve has this y
    ]:
        assert not ed25519_valid(key, wrong, b"")
        assert not library_valid(key, wrong, b"")


@pytest.mark.parametrize("encoded", SMALL)
def test_a_key_of_small_order_shows_nothing(encoded: str) -> None:
    """The one difference from RFC 8032 and the library, which let some signatures pass that nobody made."""
    key = bytes.fromhex(encoded)
    for number in range(8):
        assert not ed25519_valid(key, bytes.fromhex(SMALL[0]) + bytes(32), bytes([number]))
    if encoded == SMALL[0]:
        assert library_valid(key, bytes.fromhex(SMALL[0]) + bytes(32), b"anything")


@pytest.mark.parametrize("number", range(2, 19))
def test_a_key_that_is_not_written_canonically_is_refused(number: int) -> None:
    """The y of a point, plus the prime, where that still fits: one key would have two spellings."""
    assert verify_entry.decode_point((verify_entry.P + number).to_bytes(32, "little")) is None


def test_nothing_is_multiplied_by_the_cofactor() -> None:
    """A signature that only the equation with the cofactor lets pass is refused, as by the library."""
    torsion = verify_entry.decode_point(ORDER_EIGHT)
    assert torsion is not None
    secret, nonce = 7**80 % verify_entry.L, 11**70 % verify_entry.L
    base = verify_entry.BASE
    nobody = verify_entry.IDENTITY
    public = verify_entry.encode_point(verify_entry.multiply(secret, base, 0, nobody))
    point = verify_entry.add(verify_entry.multiply(nonce, base, 0, nobody), torsion)
    for commitment, holds in ((point, False), (verify_entry.multiply(nonce, base, 0, nobody), True)):
        first = verify_entry.encode_point(commitment)
        k = int.from_bytes(sha512(first + public + b"m").digest(), "little")
        signature = first + ((nonce + k * secret) % verify_entry.L).to_bytes(32, "little")
        assert ed25519_valid(public, signature, b"m") is holds
        assert library_valid(public, signature, b"m") is holds


@dataclass(frozen=True)
class Given:
    """What an outsider was handed, good as it is."""

    key: str
    entry: bytes
    proof: str
    opening: bytes


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Given]:
    """Fill one log for all that only read what came out of it."""
    path = tmp_path_factory.mktemp("outsider") / "log.sqlite"
    shutil.copy(sqlite_template, path)
    database, signer = Database(f"sqlite:///{path}"), NoteSigner.from_seed(ORIGIN, b"s" * 32)
    keys = Pseudonymiser(b"k" * 32), Vault(b"e" * 32)
    with AuditLog(database, *keys, signer, FixedClock(NOON), ORIGIN) as log:
        yield handed_out(log, signer)
    database.dispose()


def handed_out(log: AuditLog, signer: NoteSigner) -> Given:
    """Fill a log and give what an outsider gets of it."""
    log.append([some_event(number) for number in range(SIZE)])
    log.sign_checkpoint()
    opened = log.open_field(log.entry(INDEX), "patient")
    assert opened is not None
    return Given(signer.verifier_key(), log.entry_bytes(INDEX), log.proof(INDEX).text(), opened.text().encode())


def flipped(raw: bytes, random: Random) -> bytes:
    """Flip one bit."""
    place = random.randrange(len(raw) * 8)
    changed = bytearray(raw)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def test_no_flipped_bit_goes_unseen(given: Given) -> None:
    assert verify(given.key, given.entry, given.proof, given.opening).startswith(f"HOLDS: entry {INDEX} is in the log")
    random = Random(9162)
    tried = 0
    while tried < 240:
        parts = [given.key.encode(), given.entry, given.proof.encode(), given.opening]
        which = tried % len(parts)
        parts[which] = flipped(parts[which], random)
        tried += 1
        try:
            key, proof = parts[0].decode(), parts[2].decode()
        except UnicodeDecodeError:
            continue
        with pytest.raises(Refused):
            verify(key, parts[1], proof, parts[3])


STRANGER = NoteSigner.from_seed(ORIGIN, b"x" * 32)
ELSEWHERE = NoteSigner.from_seed("elsewhere.example/log", b"s" * 32)


def signed_by(signer: NoteSigner) -> Callable[[str], str]:
    """Sign the checkpoint of a proof by another key."""

    def change(proof: str) -> str:
        head, note = proof.split("\n\n", 1)
        return f"{head}\n\n{signer.sign(note.split(chr(10) * 2)[0] + chr(10))}"

    return change


def without_signature(proof: str) -> str:
    return proof[: proof.rindex("\u2014")]


def another_root(proof: str) -> str:
    """Put a hash of the proof where the root is."""
    lines = proof.split("\n")
    root = lines.index(f"{SIZE}") + 1
    lines[root] = lines[2]
    return "\n".join(lines)


def without_hash(proof: str) -> str:
    lines = proof.split("\n")
    del lines[4]
    return "\n".join(lines)


def hash_too_many(proof: str) -> str:
    lines = proof.split("\n")
    gap = lines.index("")
    return "\n".join([*lines[:gap], lines[2], *lines[gap:]])


CHANGES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "checkpoint of a stranger": ("proof", signed_by(STRANGER), "not signed by the key"),
    "checkpoint of another log's key": ("proof", signed_by(ELSEWHERE), "not signed by the key"),
    "checkpoint without signature": ("proof", without_signature, "malformed"),
    "another root": ("proof", another_root, "signature of the checkpoint does not hold"),
    "another size": (
        "proof",
        lambda proof: proof.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"),
        "signature of the checkpoint",
    ),
    "a hash less": ("proof", without_hash, "too few|not entry"),
    "a hash more": ("proof", hash_too_many, "too many|not entry"),
    "another index": ("proof", lambda proof: proof.replace(f"index {INDEX}", f"index {INDEX + 1}"), "not entry 134"),
    "an index past the tree": ("proof", lambda proof: proof.replace(f"index {INDEX}", "index 300"), "no entry 300"),
    "an index with zeroes": ("proof", lambda proof: proof.replace(f"index {INDEX}", "index 0133"), "no index"),
    "no proof": ("proof", lambda _: "hello\n", "not a c2sp.org/tlog-proof"),
    "windows line ends": ("proof", lambda proof: proof.replace("\n", "\r\n"), "not a c2sp.org/tlog-proof"),
    "key of a stranger": ("key", lambda _: STRANGER.verifier_key(), "not signed by the key"),
    "key by another name": ("key", lambda _: ELSEWHERE.verifier_key(), "not signed by the key"),
    "key with another's id": (
        "key",
        lambda key: f"{ORIGIN}+{STRANGER.key_id.hex()}+{key.rpartition('+')[2]}",
        "id of the key",
    ),
    "key of another kind": ("key", lambda _: "name+00000000+AgAA", "not an Ed25519 verifier key"),
    "a newline behind the entry": ("entry", lambda entry: entry + "\n", "not entry 133"),
    "another entry": ("entry", lambda entry: entry.replace('"access"', '"export"'), "not entry 133"),
    "no entry": ("entry", lambda _: "", "not entry 133"),
    "another value": (
        "opening",
        lambda opening: opening.replace("9990000001", "9990000002"),
        "not what the opening says",
    ),
    "another field": ("opening", lambda opening: opening.replace("patient", "subject"), "not what the opening says"),
    "a field there is not": (
        "opening",
        lambda opening: opening.replace("patient", "series_uid"),
        "commits to no field",
    ),
    "of another entry": ("opening", lambda opening: opening.replace("133", "132"), "of another entry"),
    "a name given twice": ("opening", lambda opening: '{"value": "9990000002", ' + opening[1:], "not readable"),
    "a list": ("opening", lambda opening: f"[{opening}]", "not readable"),
    "nested without end": ("opening", lambda _: "[" * 100_000, "not readable"),
    "a word more": ("opening", lambda opening: opening.replace("{", '{"more": 1, '), "and nothing else"),
    "a short salt": (
        "opening",
        lambda opening: json.dumps(json.loads(opening) | {"salt": base64.b64encode(b"short").decode()}),
        "malformed",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_refused_by_its_name(given: Given, name: str) -> None:
    part, change, words = CHANGES[name]
    parts = {"key": given.key, "entry": given.entry.decode(), "proof": given.proof, "opening": given.opening.decode()}
    changed = change(parts[part])
    assert changed != parts[part]
    parts[part] = changed
    with pytest.raises(Refused, match=words):
        verify(parts["key"], parts["entry"].encode(), parts["proof"], parts["opening"].encode())


def test_an_entry_that_belongs_elsewhere_is_refused(signer: NoteSigner) -> None:
    """What the log's key signed at another place is no proof for this one: the entry itself says where it is."""
    for raw, words in (
        (b'{"index":7,"v":1}', "does not say of itself"),
        (b"[]", "not readable"),
        (b'{"index":0,"v":2}', "version"),
    ):
        root = sha256(b"\0" + raw).digest()
        note = signer.sign(f"{ORIGIN}\n1\n{base64.b64encode(root).decode()}\n")
        with pytest.raises(Refused, match=words):
            verify(signer.verifier_key(), raw, f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}")


def test_signatures_of_others_and_extra_data_are_let_be(given: Given) -> None:
    proof = given.proof.replace("@v1\n", "@v1\nextra aGVsbG8=\n") + "\u2014 witness.example AAAAAAAAAAAAAA==\n"
    assert verify(given.key, given.entry, proof).startswith("HOLDS")


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the program as an outsider does: a copy of the file, nothing else of ours, no packages."""
    program = folder / "verify.py"
    program.write_bytes(PROGRAM.read_bytes())
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(program), *arguments],
        cwd=folder,
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout


def test_the_program_needs_nothing_but_itself(log: AuditLog, signer: NoteSigner, tmp_path: Path) -> None:
    given = handed_out(log, signer)
    folder = tmp_path / "empty"
    folder.mkdir()
    for name, content in (("entry", given.entry), ("proof", given.proof.encode()), ("opening", given.opening)):
        (folder / name).write_bytes(content)
    (folder / "key").write_text(given.key + "\n")
    holds = f"HOLDS: entry {INDEX} is in the log {ORIGIN}, signed at {SIZE} entries"
    assert run(folder, "--key", given.key, "entry", "proof") == (0, f"{holds}\n")
    opened = f'{holds}; its sealed field patient is "9990000001"\n'
    assert run(folder, "--key", "key", "entry", "proof", "--opening", "opening") == (0, opened)
    (folder / "entry").write_bytes(given.entry + b"\n")
    status, said = run(folder, "--key", "key", "entry", "proof")
    assert (status, said.count("\n"), said.startswith("REFUSED: these bytes are not entry 133")) == (1, 1, True)
    assert run(folder, "--key", "key", "entry", "nowhere") == (2, "UNCHECKED: nowhere: No such file or directory\n")
    assert run(folder, "--key", "key", "entry")[0] == 2
    status, said = run(folder, "--help")
    assert (status, "Exit status: 0" in said, "small order" in said.replace("\n", " ")) == (0, True, True)


def test_the_program_uses_the_standard_library_alone() -> None:
    lines = [line for line in PROGRAM.read_text().splitlines() if line.startswith(("import ", "from "))]
    modules = {line.split()[1] for line in lines}
    assert modules <= sys.stdlib_module_names
