"""A real Prometheus, with the configuration that we ship as an example."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from governance.simulation.programs import Program, free_port

SHIPPED = Path(__file__).resolve().parents[2] / "dashboards" / "prometheus"


@contextmanager
def prometheus(folder: Path, service: str, token: str, rules: Path, interval: str) -> Iterator[str]:
    """Run Prometheus against the service, and as a stranger whose token is wrong; gives its address.

    Args:
        folder: for its files.
        service: where the service answers.
        token: for scraping.
        rules: file of the alert rules.
        interval: between two scrapes and between two looks at the rules, as Prometheus writes it.
    """
    program = shutil.which("prometheus")
    assert program, "Prometheus is not installed; `make system` installs it"
    (folder / "token").write_text(token)
    config = yaml.safe_load((SHIPPED / "prometheus.example.yaml").read_text())
    config["global"]["scrape_interval"] = config["global"]["evaluation_interval"] = interval
    config["rule_files"] = [str(rules)]
    (scrape,) = config["scrape_configs"]
    scrape["authorization"]["credentials_file"] = str(folder / "token")
    scrape["static_configs"] = [{"targets": [service.removeprefix("http://")]}]
    stranger = {**scrape, "job_name": "stranger", "authorization": {"type": "Bearer", "credentials": "wrong"}}
    config["scrape_configs"] = [scrape, stranger]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={folder}/prometheus.yaml", f"--web.listen-address={address}"]
    command += [f"--storage.tsdb.path={folder}/tsdb", "--log.level=warn"]
    with Program("prometheus", command, log=folder / "prometheus.log") as running:
        running.await_answer(f"http://{address}/-/ready")
        yield f"http://{address}"
