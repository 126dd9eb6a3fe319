#!/usr/bin/env python3
"""Check that one entry is in an audit log, with nothing but this file and Python 3.9 or later.

    python3 verify.py --key KEY ENTRY PROOF [--opening OPENING]

KEY      the log's verifier key (name+id+base64), or a file that holds it. Have it from somebody you trust, not from
         whoever gave you the rest.
ENTRY    the bytes of the entry, exactly as they were served (GET /audit/v1/events/{index}/entry).
PROOF    its proof, a C2SP tlog-proof@v1 file (GET /audit/v1/events/{index}/proof, Accept: text/plain).
OPENING  one opened field: a JSON object with "index", "field", "salt" (base64) and "value".

One line says what holds, or the first thing that does not. Exit status: 0 everything holds; 1 something does not hold;
2 it could not be checked: a file is missing or the command is wrong.

What is checked, in this order: the checkpoint in the proof is signed by the key and is of the log that the key names
(C2SP signed-note and tlog-checkpoint, Ed25519); the hash of the entry is at the proof's index of the signed tree (RFC
9162 sections 2.1.1 and 2.1.3.2); the entry says that index of itself; the opening fits the entry's commitment, which is
SHA-256("imaging-governance/sealed-field/v1" || 00 || field || 00 || salt || value) with a salt of exactly 16 bytes,
and no other field is opened by it: a salt of any length could hold the beginning of the value.

Ed25519 is verified by RFC 8032 section 5.1.7, without the cofactor, as OpenSSL does: [S]B - [k]A must have the very
bytes of R. An S that is not below L, and a key that is not written canonically, are refused. So is a key of small
order, which RFC 8032 and OpenSSL let pass: a signature under it shows nothing, and nobody's key is one.

This program shares no code with the service that keeps the log. It runs nothing, writes nothing and calls nobody.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HOLDS, REFUSED, UNCHECKED = 0, 1, 2
VERSION = 1  # of entries
MAXIMUM_ENTRY = 65_535  # bytes, as an entry bundle can carry
DOMAIN = b"imaging-governance/sealed-field/v1\x00"
SALT = 16  # bytes of a commitment's salt
_NAME = re.compile(r"[^\s+]+")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Refused(Exception):
    """Something does not hold; the message says what."""


class Key(NamedTuple):
    """A verifier key: the log's name, the four bytes that announce the key, and its 32 public bytes."""

    name: str
    id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    """What a signed checkpoint says: the number of entries, and the root of the tree over them."""

    size: int
    root: bytes


class Proof(NamedTuple):
    """A proof file: the entry's place, the hashes beside its way up the tree, and the signed note."""

    place: int
    hashes: list[bytes]
    note: str


# --- Ed25519, RFC 8032 section 5.1. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x * y = T/Z.

Point = tuple[int, int, int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY: Point = (0, 1, 1, 0)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_valid(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature holds (RFC 8032 section 5.1.7); False for malformed keys and signatures."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = decode_point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L or is_identity(double(double(double(key)))):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x, y, z, t = key
    return encode_point(multiply(s, BASE, k, (-x % P, y, z, -t % P))) == signature[:32]


def decode_point(encoded: bytes) -> Point | None:
    """Give a point of the curve (section 5.1.3), None for bytes that are none or are not its one canonical form."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point: Point) -> bytes:
    """Give the 32 bytes of a point (section 5.1.2)."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(one: Point, other: Point) -> Point:
    """Add two points (section 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point: Point) -> Point:
    """Double a point (section 5.1.4)."""
    a, b = point[0] * point[0] % P, point[1] * point[1] % P
    h, g = a + b, a - b
    e, f = h - (point[0] + point[1]) ** 2, 2 * point[2] * point[2] + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(one: int, point: Point, other: int, second: Point) -> Point:
    """Give [one]point + [other]second; nothing here is secret, so it may take as long as it takes."""
    both, found = add(point, second), IDENTITY
    for bit in range(max(one.bit_length(), other.bit_length()) - 1, -1, -1):
        found = double(found)
        first, last = one >> bit & 1, other >> bit & 1
        if first or last:
            found = add(found, both if first and last else point if first else second)
    return found


def is_identity(point: Point) -> bool:
    """Say whether a point is the neutral one."""
    return point[0] % P == 0 and (point[1] - point[2]) % P == 0


# --- What is given: key, proof, checkpoint, entry, opening.


def read_key(line: str) -> Key:
    """Read a verifier key (C2SP signed-note); raises Refused for another kind of key or an id that is not its."""
    name, _, rest = line.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = decode(encoded, "key")
    if not _NAME.fullmatch(name) or len(raw) != 33 or raw[0] != 1:
        raise Refused("the key is not an Ed25519 verifier key (name+id+base64)")
    announced = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if announced.hex() != key_id:
        raise Refused("the id of the key is not the key's: the key was changed")
    return Key(name, announced, raw[1:])


def read_proof(text: str) -> Proof:
    """Read a tlog-proof@v1 file, extra data ignored."""
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Refused("the proof is not a c2sp.org/tlog-proof@v1 file")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    word, _, index = lines[1].partition(" ") if len(lines) > 1 else ("", "", "")
    if word != "index" or not _WHOLE.fullmatch(index):
        raise Refused("the proof has no index")
    return Proof(int(index), [decode_hash(line, "proof") for line in lines[2:]], note)


def read_checkpoint(note: str, key: Key) -> Checkpoint:
    """Give what a signed note says once the key's signature on it holds (C2SP signed-note, tlog-checkpoint)."""
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n") or _CONTROL.search(note):
        raise Refused("the checkpoint is malformed")
    text += "\n"
    signatures = [signature for line in tail[:-1].split("\n") for signature in signatures_of(line, key)]
    if not signatures:
        raise Refused(f"the checkpoint is not signed by the key of {key.name}")
    if not all(ed25519_valid(key.public, signature, text.encode()) for signature in signatures):
        raise Refused("the signature of the checkpoint does not hold")
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or not _WHOLE.fullmatch(lines[1]):
        raise Refused("the checkpoint is malformed")
    if lines[0] != key.name:
        raise Refused(f"the checkpoint is of another log than {key.name}")
    return Checkpoint(int(lines[1]), decode_hash(lines[2], "checkpoint"))


def signatures_of(line: str, key: Key) -> list[bytes]:
    """Give the signature of a signature line if it is the key's; those of other keys count for nothing."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.fullmatch(parts[1]):
        raise Refused("the checkpoint is malformed")
    raw = decode(parts[2], "checkpoint")
    if len(raw) < 5:
        raise Refused("the checkpoint is malformed")
    return [raw[4:]] if (parts[1], raw[:4]) == (key.name, key.id) else []


def check_inclusion(entry: bytes, proof: Proof, head: Checkpoint) -> None:
    """Check that the entry is at the proof's index of the tree (RFC 9162 section 2.1.3.2)."""
    if proof.place >= head.size:
        raise Refused(f"the signed tree has {head.size} entries, and no entry {proof.place}")
    position, last = proof.place, head.size - 1
    current = hashlib.sha256(b"\x00" + entry).digest()
    for sibling in proof.hashes:
        if last == 0:
            raise Refused("the proof has too many hashes")
        if position & 1 or position == last:
            current = hashlib.sha256(b"\x01" + sibling + current).digest()
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = hashlib.sha256(b"\x01" + current + sibling).digest()
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Refused("the proof has too few hashes")
    if current != head.root:
        raise Refused(f"these bytes are not entry {proof.place} of the signed tree: the entry or the proof was changed")


def read_entry(entry: bytes, index: int) -> dict[str, Any]:
    """Give what an entry says; raises Refused for one that is not of the index at which it is in the tree."""
    if len(entry) > MAXIMUM_ENTRY:
        raise Refused("the entry is longer than an entry can be")
    document = read_object(entry, "entry")
    if type(document.get("index")) is not int or document["index"] != index:
        raise Refused(f"the entry does not say of itself that it is entry {index}")
    if document.get("v") != VERSION:
        raise Refused("the entry has a version that this program does not know")
    return document


def check_opening(document: dict[str, Any], opening: dict[str, Any]) -> None:
    """Check that one opened field is what the entry commits to."""
    field, value = opening.get("field"), opening.get("value")
    if set(opening) != {"field", "index", "salt", "value"} or not isinstance(field, str) or not isinstance(value, str):
        raise Refused("the opening does not say index, field, salt and value, and nothing else")
    if type(opening["index"]) is not int or opening["index"] != document["index"]:
        raise Refused(f"the opening is of another entry than {document['index']}")
    salt, commitments = decode(str(opening["salt"]), "opening"), document.get("commitments", {})
    if len(salt) != SALT or not isinstance(commitments, dict) or "\x00" in field:
        raise Refused("the opening is malformed")
    if field not in commitments:
        raise Refused(f"the entry commits to no field {field!r}")
    committed = DOMAIN + field.encode() + b"\x00" + salt + value.encode("utf-8", "surrogatepass")
    if base64.b64encode(hashlib.sha256(committed).digest()).decode().rstrip("=") != commitments[field]:
        raise Refused(f"the field {field!r} of the entry is not what the opening says")


def read_object(raw: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object; raises Refused for anything else, and for a name given twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        document = json.loads(raw.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Refused(f"the {what} is not readable") from None
    if not isinstance(document, dict):
        raise Refused(f"the {what} is not readable")
    return document


def decode_hash(text: str, what: str) -> bytes:
    """Give the 32 bytes of a hash in base64."""
    digest = decode(text, what)
    if len(digest) != 32:
        raise Refused(f"the {what} holds something that is not a hash")
    return digest


def decode(text: str, what: str) -> bytes:
    """Give the bytes of standard base64 in its one canonical spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"the {what} holds something that is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Refused(f"the {what} holds something that is not base64")
    return raw


# --- The command.


def verify(key_line: str, entry: bytes, proof_text: str, opening: bytes | None = None) -> str:
    """Check everything and say what holds; raises Refused with the first thing that does not."""
    key, proof = read_key(key_line), read_proof(proof_text)
    head = read_checkpoint(proof.note, key)
    check_inclusion(entry, proof, head)
    document = read_entry(entry, proof.place)
    said = f"HOLDS: entry {proof.place} is in the log {key.name}, signed at {head.size} entries"
    if opening is None:
        return said
    opened = read_object(opening, "opening")
    check_opening(document, opened)
    return f"{said}; its sealed field {opened['field']} is {json.dumps(opened['value'])}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    words = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        "verify.py", description=words[0], epilog=words[-1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key", required=True, help="the log's verifier key, or a file that holds it")
    parser.add_argument("--opening", help="a file with one opened field")
    parser.add_argument("entry", help="a file with the bytes of the entry")
    parser.add_argument("proof", help="a file with its proof")
    given = parser.parse_args(arguments)
    key = text_of(given.key) if "+" not in given.key or Path(given.key).is_file() else given.key
    entry, proof = bytes_of(given.entry), text_of(given.proof)
    opening = None if given.opening is None else bytes_of(given.opening)
    try:
        say(verify(key, entry, proof, opening))
    except Refused as fault:
        say(f"REFUSED: {fault}")
        return REFUSED
    return HOLDS


def bytes_of(path: str) -> bytes:
    """Read a file; ends the command when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        stop(f"{path}: {fault.strerror}")


def text_of(path: str) -> str:
    """Read a file of text, line ends as they are."""
    try:
        return bytes_of(path).decode()
    except UnicodeDecodeError:
        stop(f"{path}: not a file of text")


def stop(words: str) -> NoReturn:
    """End the command: nothing was checked."""
    say(f"UNCHECKED: {words}")
    sys.exit(UNCHECKED)


def say(words: str) -> None:
    """Write one line, whatever a terminal can show."""
    sys.stdout.write(words.encode("ascii", "backslashreplace").decode() + "\n")


if __name__ == "__main__":
    sys.exit(main())
