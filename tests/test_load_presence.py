"""A worker ends for a master that is gone, and for no network that only stumbles."""

import socket

import pytest

from biztoken.load.presence import is_gone, refuses


@pytest.mark.parametrize(
    ("silence", "refused", "gone"),
    [(0.5, True, False), (2.0, True, True), (2.0, False, False), (9.0, False, False), (11.0, False, True)],
)
def test_master_is_gone_at_once_only_where_nobody_listens(silence, refused, gone):
    """A few words that did not come through end nothing; a long silence does."""
    assert is_gone(silence, lambda: refused) is gone


def test_port_without_a_listener_refuses():
    """One with a listener does not, nor an address where no machine can be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert refuses("127.0.0.1", port) is False
    assert refuses("127.0.0.1", port) is True
    assert refuses("255.255.255.255", port) is False
