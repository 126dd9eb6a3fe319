"""A real archive behind a real gateway: Orthanc with DICOMweb, reached only through nginx, which asks the service.

Rules:

1. Orthanc opens no DICOM port, takes no request from another machine, and answers only who holds a password that is
   made at each start and that only the gateway's configuration has: nothing on this machine can bypass the gateway.
2. The gateway lets through what ``/enforce/nginx`` admits and nothing else. Of the archive it shows the DICOMweb
   studies service; every other path is 404.
3. The caller's token ends at the gateway; the archive never sees it.
4. The studies are real DICOM files, as pydicom ships them, unchanged. They are registered as a trust's own.
5. Every program ends with its owner.

Example: ``with running_archive(folder, [CT], service=url, client_id=name, enforcement_key=key, port=8042):``.
"""

from governance.simulation.archive.files import CT, MR, OVERLAY, DicomFile
from governance.simulation.archive.gateway import GatewayPlan, gateway_configuration
from governance.simulation.archive.holdings import OWNER, READABLE, SELF_READ, UNREADABLE, Holding, holdings, send_feeds
from governance.simulation.archive.needs import missing
from governance.simulation.archive.running import Archive, running_archive

__all__ = [
    "CT",
    "MR",
    "OVERLAY",
    "OWNER",
    "READABLE",
    "SELF_READ",
    "UNREADABLE",
    "Archive",
    "DicomFile",
    "GatewayPlan",
    "Holding",
    "gateway_configuration",
    "holdings",
    "missing",
    "running_archive",
    "send_feeds",
]
