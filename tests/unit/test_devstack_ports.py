"""A port that is taken is told with the setting that moves it."""

import socket
import subprocess
import sys

import pytest

from devstack.errors import PortTakenError
from devstack.ports import free_port, is_free, require_free


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_taken_port_names_itself_and_its_setting(taken_port):
    with pytest.raises(PortTakenError) as caught:
        require_free(taken_port, setting="HOLDFAST_GATEWAY__PORT")

    assert str(caught.value) == (
        f"port {taken_port} is taken by another program; set HOLDFAST_GATEWAY__PORT to a free one"
    )


def test_port_taken_on_all_addresses_is_taken():
    with socket.create_server(("", 0)) as listener:
        assert not is_free(listener.getsockname()[1])


def test_free_port_is_free_and_outside_of_outgoing_connections():
    port = free_port()

    assert is_free(port)
    assert port < 32_768


def test_port_whose_connections_are_still_closing_is_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            served.close()  # the server closes first, so its side waits in TIME_WAIT
            client.recv(1)

    assert is_free(port)


def test_no_free_port_is_handed_out_twice():
    ports = [free_port() for _ in range(300)]

    assert len(set(ports)) == len(ports)


def test_no_two_processes_are_given_one_port():
    code = "from devstack import ports; print(ports._claim({port}))"
    port = free_port()

    other = subprocess.run(
        (sys.executable, "-c", code.format(port=port)), capture_output=True, text=True, check=True
    )

    assert is_free(port)
    assert other.stdout.strip() == "False"
