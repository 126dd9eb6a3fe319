"""What the archive needs on this machine."""

import shutil
from importlib.util import find_spec
from pathlib import Path

_ORTHANC = ("Orthanc", "/usr/sbin/Orthanc")
_NGINX = ("nginx", "/usr/sbin/nginx")
_DICOMWEB = (Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"), Path("/usr/lib/orthanc/libOrthancDicomWeb.so"))


def orthanc() -> str | None:
    """Find the Orthanc server."""
    return _program(_ORTHANC)


def nginx() -> str | None:
    """Find nginx."""
    return _program(_NGINX)


def dicomweb_plugin() -> Path | None:
    """Find Orthanc's DICOMweb plugin."""
    return next((path for path in _DICOMWEB if path.exists()), None)


def missing() -> tuple[str, ...]:
    """Give what is not there, named as it would be installed: Debian packages, and pydicom for its files."""
    needs = {
        "orthanc": orthanc(),
        "orthanc-dicomweb": dicomweb_plugin(),
        "nginx-light": nginx(),
        "pydicom": find_spec("pydicom"),
    }
    return tuple(name for name, found in needs.items() if found is None)


def _program(names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)
