"""The archive's configuration: what the files say, and that integrators are shown the very same."""

import re
from pathlib import Path

import pytest

from governance.simulation.archive import CT, MR, OVERLAY, GatewayPlan, gateway_configuration, holdings, missing
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.identity_provider import load_accounts
from governance.vocabulary import Modality, is_nhs_number, study_uid

ROOT = Path(__file__).resolve().parents[3]


def plan(folder: Path, *, lists: bool = False, **changes: str) -> GatewayPlan:
    values = {"service": "http://127.0.0.1:8080", "client_id": "archive-rrk", "enforcement_key": "abc_-"} | changes
    return GatewayPlan(
        folder, 8090, **values, archive="127.0.0.1:8042", archive_credential=("gateway", "sesame"), lists=lists
    )


def test_every_place_of_the_configuration_is_filled(tmp_path: Path) -> None:
    files = gateway_configuration(plan(tmp_path))
    assert set(files) == {"nginx.conf", "enforcement.conf", "lists.conf"}
    assert "lists.conf" not in files["nginx.conf"]
    assert not any("{{" in text for text in files.values())
    assert "server 127.0.0.1:8080;" in files["nginx.conf"]
    assert 'Authorization "Basic Z2F0ZXdheTpzZXNhbWU="' in files["enforcement.conf"]
    assert "X-Enforcement-Key   abc_-;" in files["enforcement.conf"]


def test_lists_are_asked_of_the_service_where_that_is_wanted(tmp_path: Path) -> None:
    files = gateway_configuration(plan(tmp_path, lists=True))
    assert "lists.conf" in files["nginx.conf"]
    assert "http://governance/dicomweb/archive-rrk/" in files["lists.conf"]


@pytest.mark.parametrize("value", ['x"; } #', "x;y", "x\ny", "$http_x", "{x}", ""])
def test_a_value_cannot_become_configuration(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="client_id"):
        gateway_configuration(plan(tmp_path, client_id=value))


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    orthanc = Orthanc(tmp_path, 8042)
    assert orthanc.password not in repr(orthanc)
    assert len(orthanc.password) > 40
    assert "sesame" not in repr(plan(tmp_path))
    assert "abc_-" not in repr(plan(tmp_path))


@pytest.mark.peer
def test_orthanc_is_closed_to_all_but_the_gateway(tmp_path: Path) -> None:
    assert missing() == ()
    made = Orthanc(tmp_path, 8042).configuration()
    assert made["AuthenticationEnabled"] is True
    assert made["RemoteAccessAllowed"] is False
    assert made["DicomServerEnabled"] is False
    assert made["ExecuteLuaEnabled"] is False


def test_the_files_are_real_studies_and_the_feeds_can_take_them() -> None:
    held = holdings(load_accounts())
    assert [each.file for each in held] == [CT, MR, OVERLAY]
    assert len({each.file.study_uid for each in held}) == len(held)
    for each in held:
        assert study_uid(each.file.study_uid)
        assert Modality(each.file.modality)
        assert is_nhs_number(each.patient)
    assert held[2].patient == load_accounts().accounts["staff.patient.rkb"].patient


def test_integrators_are_shown_the_file_that_the_tests_run() -> None:
    shown = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "integrators.md").read_text(), re.DOTALL)
    for name in ("enforcement.conf", "lists.conf"):
        assert (ROOT / "governance" / "simulation" / "archive" / name).read_text() in shown
