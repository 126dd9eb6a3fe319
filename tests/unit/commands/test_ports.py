"""A port is one server's: another is refused, whatever way the first listens."""

import socket

import click
import pytest

from governance.commands._ports import claim
from governance.simulation.programs import free_port

HERE = "127.0.0.1"


def test_a_claim_is_one_servers_until_it_is_given_back() -> None:
    port = free_port()
    with claim([(HERE, port)]), pytest.raises(click.ClickException, match="Another server is running"):
        claim([(HERE, port)])
    claim([(HERE, port)]).close()


def test_a_port_that_another_program_would_share_is_refused() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind((HERE, 0))
        other.listen()
        with pytest.raises(click.ClickException, match=r"Nothing can listen .* Address already in use"):
            claim([(HERE, other.getsockname()[1])])


def test_an_address_of_another_host_is_refused_in_one_line() -> None:
    with pytest.raises(click.ClickException, match=r"Nothing can listen at 192\.0\.2\.1"):
        claim([("192.0.2.1", free_port())])


def test_a_host_that_has_no_address_is_refused_in_one_line() -> None:
    with pytest.raises(click.ClickException, match=r"Nothing can listen at nowhere\.invalid"):
        claim([("nowhere.invalid", free_port())])
