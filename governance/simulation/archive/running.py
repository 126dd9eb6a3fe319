"""The archive as it runs: Orthanc filled with its files, then the gateway in front of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.simulation.archive.files import DicomFile
from governance.simulation.archive.gateway import GatewayPlan
from governance.simulation.archive.orthanc import ROOT, Orthanc
from governance.simulation.programs import Program, free_port


@dataclass(frozen=True, slots=True)
class Archive:
    """A running archive. ``programs`` are its processes; it is gone when one of them ends."""

    gateway: GatewayPlan
    orthanc: Orthanc
    programs: tuple[Program, ...]

    @property
    def dicomweb(self) -> str:
        """Give the base URL of the DICOMweb service, as viewers see it."""
        return self.gateway.address + ROOT.rstrip("/")

    @property
    def running(self) -> bool:
        """Say whether all of it still runs."""
        return all(program.running for program in self.programs)


@contextmanager
def running_archive(
    folder: Path,
    files: Sequence[DicomFile],
    *,
    service: str,
    client_id: str,
    enforcement_key: str,
    port: int,
    orthanc: Orthanc | None = None,
) -> Iterator[Archive]:
    """Run an archive; the gateway answers once the files are in. Everything is stopped at the end, whatever happens.

    Args:
        folder: where it keeps its files and configuration; made when it is not there, for its owner only.
        files: what it holds.
        service: base URL of the service that decides.
        client_id: the archive, as it is registered with the service.
        enforcement_key: the key of its enforcement point.
        port: of the gateway.
        orthanc: the archive's program, when somebody must know its port and password beforehand.

    Raises:
        ProgramFailed: Orthanc or nginx did not start.
        requests.HTTPError: Orthanc did not take a file.
    """
    folder = folder.resolve()  # nginx takes a relative path from a folder of its own
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    orthanc = orthanc or Orthanc(folder, free_port())
    gateway = GatewayPlan(folder, port, service, client_id, enforcement_key, orthanc.address, orthanc.credential)
    with orthanc.start() as archive:
        orthanc.store(files)
        with gateway.start() as nginx:
            yield Archive(gateway, orthanc, (archive, nginx))
