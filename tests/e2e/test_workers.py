"""Several workers answer as one: any of them tells the counts of all, and all decide on the same terms."""

import re

import requests

from governance.simulation import network, showcase
from tests.worlds.running_service import TIMEOUT, RunningService

QUESTIONS = 40
QUESTION = showcase.question()
_COUNT = re.compile(r'^governance_decision_duration_seconds_count\{door="authzen"\} ([0-9.]+)$', re.MULTILINE)
_PROCESS = re.compile(r"^process_start_time_seconds ([0-9.e+]+)$", re.MULTILINE)


def scrape(service: RunningService, bearer: str) -> tuple[float, str]:
    """Give how many decisions were counted, and which worker said so."""
    answer = requests.get(f"{service.url}/metrics", headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT)
    assert answer.status_code == 200
    count, process = _COUNT.search(answer.text), _PROCESS.search(answer.text)
    assert process is not None
    return float(count[1]) if count else 0.0, process[1]


def test_any_worker_tells_the_counts_of_all(running_service: RunningService) -> None:
    surface = running_service.surface(network.EXPLORER)
    bearer = surface.bearer()
    before, _ = scrape(running_service, bearer)
    for _ in range(QUESTIONS):  # a connection each: any worker may take it
        answer = requests.post(
            f"{running_service.url}/access/v1/evaluation",
            json=QUESTION,
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=TIMEOUT,
        )
        assert answer.json()["decision"] is True, answer.text
    seen = [scrape(running_service, bearer) for _ in range(QUESTIONS)]
    assert {count - before for count, _ in seen} == {float(QUESTIONS)}
