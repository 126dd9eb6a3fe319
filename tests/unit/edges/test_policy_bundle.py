"""Policy bundles: the bytes OPA verifies, the same each time. OPA itself is the oracle for what must be signed."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from governance.agreements import PolicyData
from governance.decisions.engine import PolicySource
from governance.edges.bundle import Bundle, _archive, canonical, pack, policy_bundle
from governance.tokens.bundle_key import BundleKey, published_bundle_keys
from tests.worlds.policy import policy_data

KEY = BundleKey(bytes(range(32)), 1)
AWKWARD = {"text": 'a\u2028b\u2029c <&> "\\" \b\f\n\r\t\x01\x7f é 😀', "é": 0.5, "😀": None, "\uffff": [1, True, {}]}


@pytest.fixture(scope="module")
def policies() -> PolicySource:
    return PolicySource.from_directory()


@pytest.fixture(scope="module")
def data() -> PolicyData:
    obligation = {"id": "care/1/1", "type": "watermark", "properties": AWKWARD}
    return policy_data({"care/1": {"obligations": [obligation]}})


@pytest.fixture(scope="module")
def bundle(policies: PolicySource, data: PolicyData) -> Bundle:
    return policy_bundle(policies, data, 60, KEY.sign)


def unpacked(bundle: Bundle) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def signed(bundle: Bundle) -> dict[str, Any]:
    """Give the verified claims of a bundle's signature; joserfc verifies it."""
    (token,) = json.loads(unpacked(bundle)[".signatures.json"])["signatures"]
    found = jwt.decode(token, ECKey.import_key(KEY.public_pem), algorithms=["ES256"])
    assert found.header == {"alg": "ES256", "kid": KEY.kid, "typ": "JWT"}
    return dict(found.claims)


def test_it_holds_the_rules_without_their_tests_and_the_agreements(bundle: Bundle, data: PolicyData) -> None:
    files = unpacked(bundle)
    assert "imaging/decision/decision.rego" in files
    assert not [name for name in files if name.endswith("_test.rego")]
    assert json.loads(files["governance/data.json"]) == data.document
    assert json.loads(files["governance/edge/data.json"]) == {"stale_after": 60}
    manifest = json.loads(files[".manifest"])
    assert manifest == {"revision": bundle.revision, "roots": ["governance", "imaging"], "rego_version": 1}
    assert bundle.revision.startswith(f"{data.revision}.")


def test_its_bytes_are_those_of_its_content(policies: PolicySource, data: PolicyData, bundle: Bundle) -> None:
    sign = BundleKey(bytes(range(32)), 1).sign
    again = policy_bundle(PolicySource.from_directory(), policy_data_again(data), 60, sign)
    assert again == bundle
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in archive} == {(0, 0, 0, "", "")}
    for other in (
        policy_bundle(policies, policy_data({"care/1": {}}), 60, KEY.sign),
        policy_bundle(PolicySource(policies.modules, "0" * 64), data, 60, KEY.sign),
        policy_bundle(policies, data, 60, BundleKey(bytes(range(32)), 2).sign),
        policy_bundle(policies, data, 61, KEY.sign),
    ):
        assert other.etag != bundle.etag


def policy_data_again(data: PolicyData) -> PolicyData:
    """Give the same policy data with its members in another order."""
    return PolicyData(data.revision, dict(reversed(list(data.document.items()))))


def test_the_signature_covers_every_file_but_itself(bundle: Bundle) -> None:
    claims, files = signed(bundle), unpacked(bundle)
    assert claims["scope"] == bundle.name == "imaging"
    assert {one["name"] for one in claims["files"]} == files.keys() - {".signatures.json"}
    for one in claims["files"]:
        assert (one["algorithm"], one["hash"]) == ("SHA-256", hashlib.sha256(files[one["name"]]).hexdigest())


def test_a_number_that_no_reader_agrees_on_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_opa_signs_the_same_hashes(opa: str, bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    write(folder, {name: content for name, content in unpacked(bundle).items() if name != ".signatures.json"})
    key = tmp_path / "key.pem"
    key.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    command = [opa, "sign", "--bundle", ".", "--signing-key", key, "--signing-alg", "ES256"]
    subprocess.run([*command, "--output-file-path", tmp_path], check=True, capture_output=True, cwd=folder)
    (token,) = json.loads((tmp_path / ".signatures.json").read_text())["signatures"]
    theirs = jwt.decode(token, ECKey.import_key(key.read_bytes()), algorithms=["ES256"]).claims["files"]
    assert {one["name"].removeprefix("/"): one["hash"] for one in theirs} == {
        one["name"]: one["hash"] for one in signed(bundle)["files"]
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def verified(opa: str, folder: Path, content: bytes, key: BundleKey) -> str | None:
    """Have OPA verify and compile a bundle; gives its complaint, None when it has none."""
    (folder / "bundle.tar.gz").write_bytes(content)
    (folder / "key.pem").write_text(key.public_pem)
    command = [opa, "build", "--bundle", folder / "bundle.tar.gz", "--output", folder / "out.tar.gz"]
    command += ["--verification-key", folder / "key.pem", "--verification-key-id", KEY.kid]
    done = subprocess.run([*command, "--signing-alg", "ES256", "--scope", "imaging"], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout + done.stderr


def swapped(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"governance/data.json": canonical(policy_data({"care/1": {"roles": ["researcher"]}}).document)}


def without_one(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.startswith("imaging/device/")}


def with_one_more(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"imaging/more.rego": b"package imaging.more\n\nx := 1\n"}


@pytest.mark.parametrize(
    ("change", "key", "accepted"),
    [
        (dict, KEY, True),
        (swapped, KEY, False),
        (without_one, KEY, False),
        (with_one_more, KEY, False),
        (dict, BundleKey(bytes(range(32)), 2), False),
    ],
)
def test_opa_accepts_what_was_signed_and_nothing_else(
    opa: str,
    bundle: Bundle,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    key: BundleKey,
    accepted: bool,
) -> None:
    complaint = verified(opa, tmp_path, _archive(change(unpacked(bundle))), key)
    assert (complaint is None) is accepted, complaint


def test_a_bundle_of_another_name_does_not_pass(opa: str, bundle: Bundle, tmp_path: Path) -> None:
    files = {name: content for name, content in unpacked(bundle).items() if not name.startswith(".")}
    other = pack("other", "1", ("governance", "imaging"), files, KEY.sign)
    assert "scope mismatch" in (verified(opa, tmp_path, other.content, KEY) or "")


def test_keys_of_bundles_are_told_apart_by_generation_and_by_key() -> None:
    now, later = published_bundle_keys(bytes(range(32)), 1)
    assert now.kid == KEY.kid
    assert later.kid == published_bundle_keys(bytes(range(32)), 2)[0].kid
    assert len({now.kid, later.kid, BundleKey(bytes(32), 1).kid}) == 3
    assert now.sign({"a": 1}) == BundleKey(bytes(range(32)), 1).sign({"a": 1})
