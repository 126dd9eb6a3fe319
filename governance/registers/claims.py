"""Whose a row is: for each kind of row its claims, by what it names and by what is on file under its key. Pure.

1. A row of a trust is that trust's, and stays it: what is on file under a key is another's until its trust lets go.
2. A study is its custodians'. A client puts a study on file for its own trust. Who else answers for it, and who no
   longer does, is said by an explicit act (``studies.py``): a study is open under the agreements of any of its
   custodians, so whoever named itself one would open another's images.
3. A relationship is the trust's whose order, list or rota it is; one about a study is also a custodian's of the study,
   or both ends' of a referral (``referrals.py``). A patient's relationship opens no single study by name: it is the
   word of the trust that treats the patient.
4. A registration gives nobody more than the one who registers it has: no scope, no trust to ask about or to write for.
5. What is national is the region's: an issuer that speaks for any trust, and opt-outs.
"""

from collections.abc import Iterable, Iterator

from governance.catalogue import Study
from governance.federation import (
    EVERY_TRUST,
    WHOLE_REGION,
    AiManifest,
    IdentityProvider,
    Person,
    ServiceClient,
    StaffMember,
    Standing,
    Trust,
)
from governance.registers.writers import Claim, Writer
from governance.relationships import Edge, PatientContext

_REGION: frozenset[str] = frozenset()
_BY_ALL = "a client that writes for all its custodians takes it away, or the operator (app.py studies labels)"
_FACTS = ("patient", "modality", "body_part", "study_date")


def _of(path: str, ods: str | None, message: str) -> Claim:
    return Claim(path, _REGION if ods is None else frozenset({ods}), message)


def _held(filed: Study) -> Claim:
    return Claim("/id", frozenset(filed.custodians), "is another trust's study", on_file=True)


# What the feeds carry


def staff(row: StaffMember, _filed: StaffMember | None) -> Iterator[Claim]:
    """Claim a member of staff: whoever is called the same at another trust is somebody else."""
    yield _of("/ods", row.ods, "is another trust")


def patient(row: PatientContext, _filed: PatientContext | None) -> Iterator[Claim]:
    """Claim what a trust says of a patient; it stands beside what others say, so nothing on file is in its way."""
    yield _of("/ods", row.ods, "is another trust")
    if row.opt_out is not None:
        yield Claim("/opt_out", _REGION, "is set nationally: a client that writes for the region reports it")


def edge(row: Edge, filed: Edge | None, study: Study | None, filed_study: Study | None) -> Iterator[Claim]:
    """Claim a relationship; ``study`` is the one it names, as the catalogue has it, ``filed_study`` that on file."""
    yield _of("/ods", row.ods, "is another trust")
    if filed is not None:
        owners = frozenset(filed_study.custodians if filed_study is not None else ())
        yield Claim("/id", owners | {filed.ods}, "is on file as another trust's relationship", on_file=True)
    if study is not None:
        yield Claim("/study_uid", frozenset(study.custodians), "is another trust's study")
    elif row.study is not None and row.patient is None:
        yield Claim("/study_uid", _REGION, "is not on file: send the study first, or name the patient")


def study(row: Study, filed: Study | None) -> Iterator[Claim]:
    """Claim a study as it would be; ``filed`` is what is on file."""
    before = filed.custodians if filed is not None else ()
    if filed is not None:
        yield _held(filed)
        for name in _FACTS:
            if getattr(row, name) != getattr(filed, name):
                yield Claim(f"/{name}", frozenset(before[:1]), "is not what the trust that is on file first says it is")
    elif not row.custodians:
        yield Claim("/custodians", _REGION, "name the trust that answers for the study")
    for ods in row.custodians:
        if ods not in before:
            yield _of("/custodians", ods, "names another trust, which answers for no study by your word")


# Explicit acts on a study


def labels(filed: Study, wanted: frozenset[str]) -> Iterator[Claim]:
    """Claim the labels of a study: any custodian sets one, all of them together take one away."""
    yield _held(filed)
    if filed.labels - wanted:
        for ods in filed.custodians:
            yield _of("/labels", ods, f"leaves out a label of a study that {ods} answers for too: {_BY_ALL}")


def custodians(filed: Study, wanted: tuple[str, ...]) -> Iterator[Claim]:
    """Claim who answers for a study: any custodian names another, and each takes away nobody but itself."""
    yield _held(filed)
    for ods in filed.custodians:
        if ods not in wanted:
            yield _of("/custodians", ods, f"leaves out {ods}, which alone gives up a study of its own")


# Registrations


def trust(row: Trust) -> Iterator[Claim]:
    """Claim an organisation."""
    yield _of("/ods", row.ods, "is another trust")


def identity_provider(row: IdentityProvider, filed: IdentityProvider | None) -> Iterator[Claim]:
    """Claim an issuer of identity tokens."""
    yield _of("/ods", row.ods, "is not your trust, for which alone you name an issuer")
    if filed is not None:
        yield _of("/issuer", filed.ods, "is registered as another's")


def client(writer: Writer, row: ServiceClient, filed: ServiceClient | None) -> Iterator[Claim]:
    """Claim a service; what it may do and for whom it writes must be the writer's to give."""
    yield _of("/ods", row.ods, "is another trust")
    if filed is not None:
        yield _of("/client_id", filed.ods, "is registered as another trust's service")
    if not row.scopes <= writer.scopes:
        foreign = ", ".join(sorted(row.scopes - writer.scopes))
        yield Claim("/scopes", _REGION, f"give what you do not hold yourself: {foreign}")
    if row.attests:
        yield Claim("/attests", _REGION, "is given by the network's office: others rely on what is attested")
    for ods in sorted(row.asks_for):
        yield _of("/asks_for", None if ods == EVERY_TRUST else ods, "names trusts that you do not write for")
    for ods in sorted(row.writes_for):
        yield _of("/writes_for", None if ods == WHOLE_REGION else ods, "names trusts that you do not write for")


def ended(path: str, trusts: Iterable[str | None]) -> Iterator[Claim]:
    """Claim what is to be suspended, resumed, deleted or bounded: it is of all whose it is on file."""
    for ods in trusts:
        yield _of(path, ods, "is registered as another's")


def brought_back(path: str, standing: Standing) -> Iterator[Claim]:
    """Claim what would be in force again: where the region put it out of force, the region alone lifts that."""
    if standing.by_region and not standing.in_force:
        yield Claim(path, _REGION, "was ended by the network's office, which alone lifts that: ask it")


def manifest(service: ServiceClient | None) -> Iterator[Claim]:
    """Claim the manifest of an AI service."""
    if service is not None:
        yield _of("/service_id", service.ods, "is another trust's service")


def approval(service: ServiceClient | None, row: AiManifest | None) -> Iterator[Claim]:
    """Claim the approval of an AI service: its trust's, and that of every trust whose images it may read."""
    yield from manifest(service)
    for ods in sorted(row.trusts) if row is not None else ():
        yield _of("/trusts", ods, f"lets it read the images of {ods}")


def withdrawal(service: ServiceClient | None, row: AiManifest | None) -> Iterator[Claim]:
    """Claim the end of an approval: of its trust, or of any whose images it may read."""
    if service is not None:
        trusts = frozenset({service.ods, *(row.trusts if row is not None else ())})
        yield Claim("/service_id", trusts, "is another trust's service, and reads none of your images")


def network() -> list[Claim]:
    """Claim a whole network."""
    return [Claim("/", _REGION, "is a whole network, which its office alone registers")]


def person(row: Person, filed: Person | None, issuer: IdentityProvider | None) -> Iterator[Claim]:
    """Claim a console account; a national issuer vouches for people of any trust."""
    yield _of("/ods", row.ods, "is another trust")
    if filed is not None:
        yield _of("/subject", filed.ods, "has an account of another trust")
    if issuer is not None and issuer.ods is not None:
        yield _of("/issuer", issuer.ods, "is another trust's issuer")
