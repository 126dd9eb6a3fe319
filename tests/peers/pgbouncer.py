"""A real PgBouncer in transaction mode before a real PostgreSQL: each transaction gets whichever connection is free."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from governance.simulation.programs import Program, free_port

PROGRAM = "/usr/sbin/pgbouncer"
_USER = "postgres"
_POOL = 4  # connections of the server for all clients of one database: whoever leaves something on one is found out


@contextmanager
def bouncer(server: str) -> Iterator[str]:
    """Start one; gives the URL of its server without a database's name."""
    if not Path(PROGRAM).exists():
        raise RuntimeError("PgBouncer is not installed; `make system` installs it")
    url = make_url(server)
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="governance-bouncer-"))
    (folder / "users").write_text(f'"{_USER}" ""\n')
    (folder / "config.ini").write_text(
        f"""[databases]
* = host={url.host} port={url.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {_POOL}
server_reset_query =
max_client_conn = 200
"""
    )
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, _USER, _USER)
    command = [PROGRAM, *(("-u", _USER) if os.geteuid() == 0 else ()), folder / "config.ini"]
    try:
        with Program("PgBouncer", command, log=folder.parent / f"{folder.name}.log") as program:
            _await(program, f"postgresql+psycopg://{_USER}@127.0.0.1:{port}")
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(program: Program, url: str) -> None:
    engine = create_engine(f"{url}/postgres", connect_args={"connect_timeout": 2, "prepare_threshold": None})
    for _ in range(200):
        try:
            engine.connect().close()
        except Exception as error:
            if not program.running:
                raise RuntimeError("PgBouncer ended") from error
        else:
            break
    engine.dispose()
