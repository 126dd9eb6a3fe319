"""AI manifests in the federation's directory: bounded, approved, withdrawn."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.errors import Conflict, NotFound
from governance.federation import (
    FederationDirectory,
    ServiceClient,
)
from governance.storage import Database
from tests.worlds.federation import MANIFEST, NOW, faults, register


def test_a_manifest_counts_only_while_approved(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, MANIFEST)
    later = NOW + timedelta(days=3)

    with database.transaction() as session:
        registered = directory.manifest(session, "ich-triage", "2.1")
        approved = directory.approve_manifest(session, "ich-triage", "2.1", NOW)
        again = directory.approve_manifest(session, "ich-triage", "2.1", later)
        withdrawn = directory.withdraw_manifest(session, "ich-triage", "2.1", later)
        still = directory.withdraw_manifest(session, "ich-triage", "2.1", later + timedelta(days=1))
        kept = directory.manifests(session, "ich-triage")
    assert registered == MANIFEST
    assert not MANIFEST.approved
    assert approved == again
    assert approved.approved
    assert withdrawn == still
    assert not withdrawn.approved
    assert kept == (withdrawn,)
    assert [withdrawn.approved_on(NOW + timedelta(days=days)) for days in (-1, 0, 2, 3)] == [False, True, True, False]
    assert not MANIFEST.approved_on(NOW)


def test_an_approved_manifest_does_not_change(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, MANIFEST)
    wider = replace(MANIFEST, modalities=frozenset({"CT", "MR"}))
    with database.transaction() as session:
        approved = directory.approve_manifest(session, "ich-triage", "2.1", NOW)
        assert directory.register_manifest(session, MANIFEST) == approved

    with pytest.raises(Conflict) as refused:
        register(database, directory, wider)
    assert refused.value.reason == "manifest.approved"
    with database.transaction() as session:
        directory.withdraw_manifest(session, "ich-triage", "2.1", NOW)
        assert directory.register_manifest(session, wider) == wider
        assert directory.manifest(session, "ich-triage", "2.1") == wider


def test_a_manifest_never_arrives_approved(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, replace(MANIFEST, approved_at=NOW))

    with database.reading() as session:
        assert directory.manifest(session, "ich-triage", "2.1") == MANIFEST


def test_without_a_version_the_manifest_is_of_the_one_that_runs(
    database: Database, directory: FederationDirectory, triage: ServiceClient, client: ServiceClient
) -> None:
    register(database, directory, client, triage, MANIFEST, replace(MANIFEST, version="2.2"))

    with database.reading() as session:
        assert directory.manifest(session, "ich-triage") == MANIFEST
        assert directory.manifest(session, "ich-triage", "2.3") is None
        assert directory.manifest(session, "viewer-rkb") is None
        assert directory.manifest(session, "unknown") is None
        assert [one.version for one in directory.manifests(session)] == ["2.1", "2.2"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"service_id": "viewer-rkb"}, "/service_id"),
        ({"service_id": "unknown"}, "/service_id"),
        ({"version": "2/1"}, "/version"),
        ({"modalities": frozenset()}, "/modalities"),
        ({"modalities": frozenset({"ct"})}, "/modalities"),
        ({"body_parts": frozenset()}, "/body_parts"),
        ({"trusts": frozenset()}, "/trusts"),
        ({"trusts": frozenset({"RJE"})}, "/trusts"),
        ({"purposes": frozenset()}, "/purposes"),
        ({"daily_volume": 0}, "/daily_volume"),
    ],
)
def test_refuses_a_manifest_that_bounds_nothing(
    database: Database,
    directory: FederationDirectory,
    triage: ServiceClient,
    client: ServiceClient,
    changes: dict[str, Any],
    path: str,
) -> None:
    register(database, directory, triage, client)

    assert path in faults(database, directory, replace(MANIFEST, **changes))


def test_an_unknown_manifest_is_neither_approved_nor_withdrawn(
    database: Database, directory: FederationDirectory
) -> None:
    with database.transaction() as session:
        for act in (directory.approve_manifest, directory.withdraw_manifest):
            with pytest.raises(NotFound):
                act(session, "ich-triage", "9", NOW)
