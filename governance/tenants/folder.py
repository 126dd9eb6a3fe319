"""Reading a tenant's folder: everything that is wrong with it at once, each named by file and place.

``tenant.yaml`` is the manifest. Every ``*.rego`` below the folder but tests is policy. ``data.json``, ``data.yaml`` and
the files of ``data/`` are one document together; no two may give the same member. Its member ``entities`` lists whom
and what the searches go through.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from governance.access import Searched
from governance.decisions import EngineFault, PolicySource, RegorusTenantEngine, TenantPolicy
from governance.errors import ConfigurationError, Fault
from governance.tenants._rego import check_modules
from governance.tenants.tenant import Entity, Tenant

MANIFEST = "tenant.yaml"
_NAME = r"[a-z][a-z0-9_]{0,39}"  # a Rego identifier, a segment of a path and of a source's name
_DATA = ("data.json", "data.yaml", "data.yml", "data/*.json", "data/*.yaml", "data/*.yml")
_TEXT = 256  # characters, as the API bounds them
_LISTS = {Searched.ACTION: "actions", Searched.RESOURCE: "resources", Searched.SUBJECT: "subjects"}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Manifest(_Shape):
    name: str = Field(pattern=f"^{_NAME}$")
    title: str = Field(min_length=1, max_length=200)
    entrypoint: str = Field(max_length=_TEXT)
    clients: list[str] = Field(min_length=1, max_length=1_000)
    search: list[str] = Field(default_factory=list)
    receipts: bool = True


class _Entity(_Shape):
    type: str = Field(min_length=1, max_length=_TEXT)
    id: str = Field(min_length=1, max_length=_TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class _Action(_Shape):
    name: str = Field(min_length=1, max_length=_TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class _Entities(_Shape):
    subjects: list[_Entity] = Field(default_factory=list)
    resources: list[_Entity] = Field(default_factory=list)
    actions: list[_Action] = Field(default_factory=list)


def read_tenant(folder: Path) -> Tenant:
    """Read a tenant.

    Args:
        folder: where its manifest is.

    Raises:
        ConfigurationError: with every fault; the path of each is the file and, after ``#``, the place in it.
    """
    faults: list[Fault] = []
    manifest = _manifest(folder, faults)
    data = _data(folder, faults)
    entities = _entities(folder, data.get("entities", {}), faults)
    source = _policies(folder, faults)
    if manifest is None or source is None:
        raise ConfigurationError(faults)
    searches = _searches(folder, manifest, entities, faults)
    faults += check_modules(folder, manifest.name, manifest.entrypoint, source.modules, MANIFEST)
    policy = TenantPolicy(manifest.name, source, manifest.entrypoint, data)
    if not faults:
        try:
            RegorusTenantEngine(policy)
        except EngineFault as fault:
            faults.append(Fault(str(folder), f"the policy {fault.detail}"))
    if faults:
        raise ConfigurationError(faults)
    return Tenant(
        manifest.name, manifest.title, policy, frozenset(manifest.clients), searches, entities, manifest.receipts
    )


def read_tenants(folders: Iterable[str]) -> list[Tenant]:
    """Read several tenants; raises ConfigurationError with the faults of all, and when two have one name."""
    found: list[Tenant] = []
    faults: list[Fault] = []
    for folder in folders:
        try:
            tenant = read_tenant(Path(folder))
        except ConfigurationError as error:
            faults += error.faults
            continue
        if any(other.name == tenant.name for other in found):
            faults.append(Fault(f"{Path(folder) / MANIFEST}#/name", "is the name of another tenant too"))
        found.append(tenant)
    if faults:
        raise ConfigurationError(faults)
    return found


def _manifest(folder: Path, faults: list[Fault]) -> _Manifest | None:
    path = folder / MANIFEST
    try:
        return _Manifest.model_validate(_mapping(path))
    except ValidationError as error:
        faults += _faults(path, error)
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), _said(error)))
    return None


def _data(folder: Path, faults: list[Fault]) -> dict[str, Any]:
    """Give the members of all data files together; ``revision`` is ours to say."""
    found: dict[str, Any] = {}
    for path in sorted(path for pattern in _DATA for path in folder.glob(pattern)):
        try:
            part = _mapping(path)
        except (OSError, ValueError) as error:
            faults.append(Fault(str(path), _said(error)))
            continue
        for name in sorted(part):
            if name in found or name == "revision":
                message = "is in another file too" if name in found else "is a name the service keeps for itself"
                faults.append(Fault(f"{path}#/{name}", message))
            found[name] = part[name]
    return found


def _entities(folder: Path, given: object, faults: list[Fault]) -> dict[Searched, tuple[Entity, ...]]:
    try:
        read = _Entities.model_validate(given)
    except ValidationError as error:
        faults += _faults(folder / "data", error, "/entities")
        return dict.fromkeys(Searched, ())
    named = {
        Searched.ACTION: [Entity("", one.name, one.properties) for one in read.actions],
        Searched.RESOURCE: [Entity(one.type, one.id, one.properties) for one in read.resources],
        Searched.SUBJECT: [Entity(one.type, one.id, one.properties) for one in read.subjects],
    }
    for kind, entities in named.items():
        if len({(entity.type, entity.id) for entity in entities}) != len(entities):
            faults.append(Fault(f"{folder / 'data'}#/entities/{_LISTS[kind]}", "has an entity twice"))
    return {kind: tuple(found) for kind, found in named.items()}


def _policies(folder: Path, faults: list[Fault]) -> PolicySource | None:
    try:
        return PolicySource.from_directory(folder)
    except (OSError, ValueError) as error:
        faults.append(Fault(str(folder), _said(error)))
        return None


def _searches(
    folder: Path, manifest: _Manifest, entities: Mapping[Searched, tuple[Entity, ...]], faults: list[Fault]
) -> frozenset[Searched]:
    known = [kind for kind in Searched if kind.value in manifest.search]
    path = f"{folder / MANIFEST}#/search"
    if set(manifest.search) - {kind.value for kind in Searched}:
        faults.append(Fault(path, f"may hold: {', '.join(Searched)}"))
    faults += [
        Fault(path, f"names {kind.value}, and the data has no entities/{_LISTS[kind]}")
        for kind in known
        if not entities[kind]
    ]
    return frozenset(known)


def _mapping(path: Path) -> dict[str, Any]:
    """Read a JSON or YAML file that must be one object of plain JSON; raises OSError or ValueError."""
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        json.dumps(value, allow_nan=False)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise ValueError("is not valid YAML in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON (line {error.lineno})") from None
    except TypeError:
        raise ValueError("holds something that JSON does not have: write dates in quotes") from None
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ValueError("must hold one object")
    return value


def _faults(path: Path, error: ValidationError, below: str = "") -> list[Fault]:
    return [
        Fault(f"{path}#{below}/{'/'.join(str(part) for part in item['loc'])}", item["msg"])
        for item in error.errors(include_input=False)
    ]


def _said(error: OSError | ValueError) -> str:
    text = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
    return re.sub(r"\s+", " ", text)
