"""A fleet is a battery spread over processes: the same burst, each request once, released at one moment."""

from __future__ import annotations

import socket
import time

import pytest
from test_burst import DATA, Counter, Keeper, statuses
from tiny_servers import LONGEST, answer, read_request, request, serving

from biztoken.errors import HarnessError
from biztoken.limit.fleet import Fleet
from biztoken.wire import Endpoint


@pytest.mark.parametrize(("processes", "limit"), [(2, 1), (2, 8), (3, 7)])
def test_one_above_the_limit_is_one_refusal(processes, limit):
    """Whoever sends which, L+1 requests are in flight together."""
    counter = Counter(due=limit + 1, limit=limit)

    with serving(counter.handle) as server:
        fleet = Fleet(Endpoint(server.url, timeout=LONGEST), processes)
        fleet.load([DATA] * (limit + 1))
        fleet.fire()
        volley = fleet.land()
        fleet.close()

    assert sorted(statuses(volley)) == [200] * limit + [403]
    assert counter.peak == limit


def test_shots_are_in_the_order_of_the_requests():
    """Each reply belongs to its request, however they were dealt out."""
    sizes = [10, 2_000, 300, 40_000, 5]

    def handle(connection, _number):
        data = read_request(connection)
        connection.sendall(answer(200, str(len(data)).encode()))

    requests = [request(size) for size in sizes]
    with serving(handle) as server:
        fleet = Fleet(Endpoint(server.url, timeout=LONGEST), 2)
        fleet.load(requests)
        fleet.fire()
        volley = fleet.land()
        fleet.close()

    assert [int(shot.reply.body) for shot in volley.shots] == [len(data) for data in requests]


def test_fleet_is_warm_and_fires_racks_in_turn():
    """Connections stay open, and the second rack is loaded before the first is fired."""
    keeper = Keeper(4)

    with serving(keeper.handle) as server:
        fleet = Fleet(Endpoint(server.url, timeout=LONGEST), 2)
        for _ in range(2):
            for rack in (0, 1):
                fleet.load([DATA] * 4, rack=rack)
            moment = time.monotonic() + 0.02
            ends = [fleet.fire(0, moment), fleet.fire(1)]
            volleys = [fleet.land(rack) for rack in (0, 1)]
        fleet.close()

    assert server.connections == 8
    assert [statuses(volley) for volley in volleys] == [[200] * 4] * 2
    assert moment <= volleys[0].began <= volleys[0].ended <= ends[0] <= volleys[1].began


def test_trouble_of_a_worker_is_trouble_of_the_fleet():
    """A target that cannot be reached is told as of a battery."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fleet = Fleet(Endpoint(f"http://127.0.0.1:{port}/"), 2)

    with pytest.raises(HarnessError) as caught:
        fleet.load([DATA] * 3)
    fleet.close()

    assert caught.value.reason == "connect"


def test_fleet_with_more_workers_than_requests():
    """One request needs one of them."""
    keeper = Keeper(1)

    with serving(keeper.handle) as server:
        fleet = Fleet(Endpoint(server.url, timeout=LONGEST), 3)
        fleet.load([DATA])
        fleet.fire()
        volley = fleet.land()
        fleet.close()

    assert statuses(volley) == [200]
