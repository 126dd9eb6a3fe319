"""Loading is all or nothing: every fault of every document is found before anything is put on file."""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlmodel import Session

from governance.agreements.documents import Checked, check
from governance.audit.event import JsonValue
from governance.errors import Fault, InvalidInput


def check_all(documents: Sequence[Mapping[str, JsonValue]], prefixes: Sequence[str]) -> list[Checked]:
    """Check every document; raises InvalidInput with the faults of all of them, each under its document's prefix."""
    checked: list[Checked] = []
    faults: list[Fault] = []
    for document, prefix in zip(documents, prefixes, strict=True):
        try:
            checked.append(check(document, prefix))
        except InvalidInput as refused:
            faults += refused.faults
    if faults:
        raise InvalidInput(faults, "Nothing was loaded: not every agreement is valid.")
    return checked


Organisations = Callable[[Session], Collection[str]]  # the ODS codes that may be a party


def refuse_strangers(checked: Sequence[Checked], prefixes: Sequence[str], known: Collection[str]) -> None:
    """Let only organisations of the federation be parties; raises InvalidInput with every other one."""
    faults = [
        Fault(f"{prefix}/parties/{number}/ods", "is no organisation of the federation: register it first")
        for one, prefix in zip(checked, prefixes, strict=True)
        for number, party in enumerate(one.agreement.parties)
        if party.ods not in known
    ]
    if faults:
        raise InvalidInput(faults, "Nothing was loaded: a party is not known.")


def new_versions(
    checked: Sequence[Checked], prefixes: Sequence[str], known: dict[str, dict[int, str]]
) -> list[Checked]:
    """Choose what is not on file yet; raises InvalidInput for a changed text and for a gap in the versions."""
    fresh: list[Checked] = []
    faults: list[Fault] = []
    for one, prefix in zip(checked, prefixes, strict=True):
        hashes = known.setdefault(one.agreement.id, {})
        held = hashes.get(one.agreement.version)
        newest = max(hashes, default=one.agreement.version - 1)
        if held is not None and held != one.text_hash:
            faults.append(Fault(f"{prefix}/version", "is on file with another text: a change is a new version"))
        elif held is None and one.agreement.version != newest + 1:
            faults.append(Fault(f"{prefix}/version", f"must be {newest + 1}: versions follow each other"))
        elif held is None:
            fresh.append(one)
        hashes.setdefault(one.agreement.version, one.text_hash)
    if faults:
        raise InvalidInput(faults, "Nothing was loaded: a version does not follow what is on file.")
    return fresh
