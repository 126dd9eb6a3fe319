"""A client generated from the API's own description asks, gets tokens, records events and reads alerts."""

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from governance.simulation import network
from tests.worlds.running_service import TIMEOUT, RunningService

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e")]
PACKAGE = "imaging_governance_client"
MEDIA = {  # how the generator is to treat media types that it does not know
    "application/jwk-set+json": "application/json",
    "application/vnd.openpolicyagent.bundles": "application/octet-stream",
}
NOT_TYPED = ("application/x-ndjson", "application/fhir+xml", "application/yaml")  # beside JSON; of exports, the bytes


class Generated:
    """The generated package, and the service it speaks to."""

    def __init__(self, service: RunningService) -> None:
        self.service = service

    def call(self, operation: str, bearer: str | None, **arguments: Any) -> Any:
        """Call an operation, ``tag.operation_id``, and give its parsed answer."""
        client = importlib.import_module(f"{PACKAGE}.client")
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        common = {"base_url": self.service.url, "timeout": None, "raise_on_unexpected_status": True}
        made = client.AuthenticatedClient(token=bearer, **common) if bearer else client.Client(**common)
        with made as speaking:
            return module.sync(client=speaking, **arguments)

    def model(self, name: str, value: dict[str, Any]) -> Any:
        """Make a value of a generated type from its JSON."""
        module, _, kind = name.rpartition(".")
        return getattr(importlib.import_module(f"{PACKAGE}.models.{module}"), kind).from_dict(value)

    def bearer(self, client_id: str) -> str:
        """Get a token of a service by the generated token operation."""
        form = {"grant_type": "client_credentials"} | self.service.parties.proof(client_id, int(time.time()))
        answer = self.call("tokens.oauth_token_post", None, body=self.model("token_request.TokenRequest", form))
        return str(answer.access_token)


@pytest.fixture(scope="module")
def generated(running_service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    """Generate a client from the running service's description, in a folder of its own."""
    folder = tmp_path_factory.mktemp("generated")
    document, config = folder / "openapi.json", folder / "config.json"
    document.write_text(requests.get(f"{running_service.url}/openapi.json", timeout=TIMEOUT).text)
    config.write_text(json.dumps({"content_type_overrides": MEDIA, "post_hooks": []}))
    output = folder / "client"
    program = Path(sys.executable).with_name("openapi-python-client")
    command = [program, "generate", "--path", document, "--config", config, "--output-path", output]
    made = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    _complains_of_no_more_than(made.stdout)
    _holds_every_operation(output, document, made.stdout + made.stderr)
    sys.path.insert(0, str(output))
    yield Generated(running_service)
    sys.path.remove(str(output))


def _holds_every_operation(output: Path, document: Path, said: str) -> None:
    paths = json.loads(document.read_text())["paths"].values()
    modules = [path for path in output.glob(f"{PACKAGE}/api/*/*.py") if path.name != "__init__.py"]
    assert "will not be generated" not in said, said
    assert len(modules) == sum(len(methods) for methods in paths), "an operation was not generated"


def _complains_of_no_more_than(said: str) -> None:
    """Hold the generator's warnings to those of media types beside JSON."""
    assert "Unable to" not in said, said
    complaints = [line for line in said.splitlines() if line.startswith(("Unsupported", "Cannot"))]
    assert [line for line in complaints if not any(kind in line for kind in NOT_TYPED)] == [], said


def test_no_operation_is_dropped_without_a_word_of_how_media_types_are_treated(
    running_service: RunningService, tmp_path: Path
) -> None:
    document, output = tmp_path / "openapi.json", tmp_path / "client"
    document.write_text(requests.get(f"{running_service.url}/openapi.json", timeout=TIMEOUT).text)
    program = Path(sys.executable).with_name("openapi-python-client")
    command = [program, "generate", "--path", document, "--output-path", output]
    made = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    _holds_every_operation(output, document, made.stdout + made.stderr)


def test_it_brings_agreements_as_json_and_hears_what_is_wrong_with_one(generated: Generated) -> None:
    item = generated.model("imported_item.ImportedItem", {"agreement": {"id": "of-another-register"}})
    bearer = generated.bearer(network.EXPLORER)
    refused = generated.call("agreements.agreements_transfer_import_all_post", bearer, body=[item])
    assert refused.status == 400
    assert {tuple(fault.pointer.split("/")[1:3]) for fault in refused.errors} == {("0", "agreement")}


def test_it_asks_and_gets_the_clause(generated: Generated) -> None:
    document = requests.get(f"{generated.service.url}/openapi.json", timeout=TIMEOUT).json()
    body = document["paths"]["/access/v1/evaluation"]["post"]["requestBody"]["content"]["application/json"]
    question = generated.model("evaluation_request.EvaluationRequest", body["example"])
    answer = generated.call("decisions.authzen_evaluation_post", generated.bearer(network.EXPLORER), body=question)
    assert answer.decision is True
    assert answer.context.to_dict()["agreement"]["clause"] == "4.1"


def test_it_exchanges_an_identity_token_and_reads_a_refusal(generated: Generated) -> None:
    service = generated.service
    study = "1.2.826.0.1.3680043.10.1999.1"
    permitted, denied = (
        generated.call(
            "tokens.oauth_token_post",
            None,
            body=generated.model(
                "token_request.TokenRequest",
                service.parties.exchange_form("radiologist.rkb", f"{study}.{number}", int(time.time())),
            ),
        )
        for number in (1, 2)
    )
    assert permitted.access_token.count(".") == 2
    assert denied.error == "access_denied"
    assert denied.decision_id


def test_it_records_events_and_finds_them_again(generated: Generated) -> None:
    now = int(time.time())
    events = [
        generated.model(
            "native_event.NativeEvent",
            {
                "id": f"generated-{now}-{number}",
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
                "source": {"id": "generated-client", "ods": "RRK"},
                "kind": "login",
                "outcome": "success",
                "subject": {"id": "radiologist.rkb", "type": "practitioner", "ods": "RKB"},
            },
        )
        for number in range(3)
    ]
    taken = generated.call("audit.audit_in_record_post", generated.bearer(network.FEEDS), body=events)
    assert (taken.accepted, taken.rejected) == (3, [])
    reader = generated.bearer(network.EXPLORER)
    page = generated.call("audit.audit_out_events_get", reader, source_id="generated-client", limit=2)
    assert [event.index for event in page.events] == [taken.last_index, taken.last_index - 1]
    proof = generated.call("audit.audit_out_proof_get", reader, index=taken.first_index)
    assert proof.index == taken.first_index


def test_it_reads_alerts_and_errors_as_they_are(generated: Generated) -> None:
    page = generated.call("alerts.alerts_alerts_get", generated.bearer(network.SOC), limit=5)
    assert isinstance(page.alerts, list)
    missing = generated.call("alerts.alerts_alert_get", generated.bearer(network.SOC), alert_id="a-none")
    assert (missing.status, missing.reason) == (404, "alert.unknown")
    nobody = generated.call("alerts.alerts_alerts_get", "no.such.token")
    assert nobody.status == 401
