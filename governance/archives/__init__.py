"""Archives: enforcement in front of an imaging archive: a check for each request, a filter for each list.

Rules of this room:

1. An archive is asked nothing and shows nothing that the caller's token and the terms in force do not allow.
2. A request that could be read in two ways is refused.
3. Every access is recorded before the archive may answer.

Example: ``point.admit(archive, Check.of_url("GET", uri, Credential(token)))`` lets a request through or raises.
"""

from governance.archives.dicomweb import Target
from governance.archives.lists import ArchiveLists, Listed
from governance.archives.point import Admission, Check, Credential, EnforcementPoint, OtherTarget
from governance.archives.qido import ArchiveAddress, DicomwebArchives

__all__ = [
    "Admission",
    "ArchiveAddress",
    "ArchiveLists",
    "Check",
    "Credential",
    "DicomwebArchives",
    "EnforcementPoint",
    "Listed",
    "OtherTarget",
    "Target",
]
