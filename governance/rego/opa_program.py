"""OPA's own word on modules, where the program is installed: ``opa check`` with the capabilities that we ship."""

import shutil
import subprocess  # nosec B404 - runs one program of the operator's, without a shell
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from governance.rego.capabilities import CAPABILITIES
from governance.rego.module import RegoFault

_SECONDS = 60.0


def find_opa() -> str | None:
    """Give the path of the program ``opa``, None where there is none."""
    return shutil.which("opa")


def check_with_opa(program: str, modules: Sequence[tuple[str, str]]) -> None:
    """Let OPA compile modules together.

    Args:
        program: path of OPA.
        modules: each with its path below some folder.

    Raises:
        RegoFault: it refuses them, with what it says, or does not answer.
    """
    with TemporaryDirectory() as folder:
        for path, text in modules:
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = [program, "check", "--capabilities", str(CAPABILITIES), "."]
        try:
            done = subprocess.run(  # noqa: S603 # nosec B603 - a fixed command on files of ours
                command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RegoFault(f"OPA could not be asked ({type(error).__name__})") from error
    if done.returncode:
        raise RegoFault(" ".join((done.stderr or done.stdout).split()))
