"""A burst is as many requests at the same moment as were asked for, no more and no fewer, and each has its outcome."""

import socket
import time
from pathlib import Path
from threading import Condition, Event

import pytest
from tiny_servers import LONGEST, Authority, answer, make_authority, read_request, request, reset, serving

from biztoken import burst
from biztoken.burst import Battery, fire
from biztoken.errors import HarnessError
from biztoken.wire import Endpoint

DATA = request(30_000)
BUSY = b'{"error": "CONCURRENCY_LIMIT_EXCEEDED"}'


class Counter:
    """A server that works on a request until `due` requests have come, and refuses those above `limit`."""

    def __init__(self, due: int, limit: int) -> None:
        self._due, self._limit = due, limit
        self._changed = Condition()
        self.arrived = self.in_flight = self.peak = 0
        self.bodies: list[int] = []

    def handle(self, connection: socket.socket, _number: int) -> None:
        """Answer one request."""
        data = read_request(connection)
        with self._changed:
            self.arrived += 1
            self.bodies.append(len(data))
            self._changed.notify_all()
            if self.in_flight == self._limit:
                connection.sendall(answer(403, BUSY))
                return
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            self._changed.wait_for(lambda: self.arrived >= self._due, LONGEST)
            self.in_flight -= 1
        connection.sendall(answer(200, b"{}"))


def statuses(volley) -> list[int | None]:
    """The status of each shot, None where no reply came."""
    return [shot.reply.status if shot.reply else None for shot in volley.shots]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_as_many_are_in_flight_as_were_asked_for(count):
    """All requests of a burst are in flight together, whole, and all are answered."""
    counter = Counter(due=count, limit=count)

    with serving(counter.handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * count)

    assert (counter.peak, counter.arrived) == (count, count)
    assert counter.bodies == [len(DATA)] * count
    assert statuses(volley) == [200] * count
    assert server.connections == count


@pytest.mark.parametrize("limit", [1, 3, 8])
def test_one_above_the_limit_is_one_refusal(limit):
    """Of L+1 requests a target that admits L refuses exactly one."""
    counter = Counter(due=limit + 1, limit=limit)

    with serving(counter.handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * (limit + 1))

    assert sorted(statuses(volley)) == [200] * limit + [403]
    assert counter.peak == limit
    assert [shot.reply.body for shot in volley.shots if shot.reply.status == 403] == [BUSY]


def test_no_request_is_whole_before_the_release(monkeypatch):
    """Everything but the last byte of each request is there before the first last byte is sent."""
    changed, received, before = Condition(), {}, []

    def handle(connection, number):
        left = len(DATA)
        while left:
            left -= len(connection.recv(left))
            with changed:
                received[number] = len(DATA) - left
                changed.notify_all()
        connection.sendall(answer())

    def wait_for_arrival(_sockets, _bytes):
        # Called between the two: waits for the server instead of the clock.
        with changed:
            changed.wait_for(lambda: sum(received.values()) >= 3 * (len(DATA) - 1), LONGEST)
            before.extend(received.values())

    monkeypatch.setattr(burst, "await_arrival", wait_for_arrival)

    with serving(handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * 3)

    assert before == [len(DATA) - 1] * 3
    assert statuses(volley) == [200, 200, 200]


def test_times_of_a_shot_are_in_order():
    """A shot was opened, released and ended in this order; the spread is the time between the releases."""
    counter = Counter(due=3, limit=3)

    with serving(counter.handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * 3)

    released = [shot.released for shot in volley.shots]
    assert all(shot.opened <= shot.released <= shot.ended for shot in volley.shots)
    assert max(shot.opened for shot in volley.shots) <= min(released)
    assert volley.spread == max(released) - min(released)


def test_each_shot_has_its_own_request():
    """Requests are not mixed up: each connection gets the bytes that were meant for it, in order."""
    wanted = [request(size) for size in (10, 2_000, 40_000)]
    got = {}

    def handle(connection, number):
        got[number] = read_request(connection)
        connection.sendall(answer(200, str(len(got[number])).encode()))

    with serving(handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), wanted)

    assert [int(shot.reply.body) for shot in volley.shots] == [len(data) for data in wanted]
    assert sorted(got.values(), key=len) == wanted


def first_one(handle_first):
    """A handler that treats the first connection apart, and answers the others."""

    def handle(connection, number):
        if number == 1:
            handle_first(connection)
        elif read_request(connection):
            connection.sendall(answer())

    return handle


def reset_after_the_head(connection):
    """Read a little and reset."""
    connection.recv(100)
    reset(connection)


def close_after_all(connection):
    """Read the request and close without a reply."""
    read_request(connection)


def cut_the_reply(connection):
    """Close in the middle of the reply."""
    read_request(connection)
    connection.sendall(answer(200, b"{}")[:-1])


def talk_nonsense(connection):
    """Answer in another protocol."""
    read_request(connection)
    connection.sendall(b"nonsense\r\n\r\n")


FAILURES = {
    "closed while sending": (reset_after_the_head, "closed"),
    "closed without a reply": (close_after_all, "closed"),
    "closed in the reply": (cut_the_reply, "truncated"),
    "another protocol": (talk_nonsense, "protocol"),
}


@pytest.mark.parametrize(("handle", "reason"), FAILURES.values(), ids=FAILURES)
def test_failure_of_one_shot_is_its_own(handle, reason):
    """A connection that is closed early is told as that shot's failure, and the others have their replies."""
    with serving(first_one(handle)) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * 3)

    first = volley.shots[0]
    assert statuses(volley) == [None, 200, 200]
    assert first.failure.partition(":")[0] == reason


def test_silence_is_told_for_each_shot():
    """Requests that nobody answers in time are timeouts, each for itself."""
    done = Event()

    def handle(connection):
        read_request(connection)
        done.wait(LONGEST)

    with serving(first_one(handle)) as server:
        volley = fire(Endpoint(server.url, timeout=0.2), [DATA] * 2)
        done.set()

    assert statuses(volley) == [None, 200]
    assert volley.shots[0].failure.startswith("timeout: ")


def test_early_reply_is_not_lost():
    """A gateway that refuses by the head alone and closes has answered: its reply is read though sending failed."""

    def refuse(connection):
        connection.recv(100)
        connection.sendall(answer(403, BUSY, "Connection: close"))

    with serving(first_one(refuse)) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * 3)

    assert statuses(volley) == [403, 200, 200]


def test_target_that_cannot_be_reached_is_told():
    """Where a connection cannot be opened there is no burst, and those that were open are closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(HarnessError) as caught:
        fire(Endpoint(f"http://127.0.0.1:{port}/"), [DATA] * 3)

    assert caught.value.reason == "connect"


def test_burst_over_tls(tmp_path: Path):
    """A burst goes through TLS as single requests do."""
    authority: Authority = make_authority(tmp_path)
    counter = Counter(due=3, limit=3)

    with serving(counter.handle, authority.context) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST, cacert=authority.ca), [DATA] * 3)

    assert statuses(volley) == [200, 200, 200]
    assert counter.peak == 3


# --- batteries


class Keeper:
    """A server that keeps connections: each request is answered when `due` of its burst have come."""

    def __init__(self, due: int) -> None:
        self._due = due
        self._changed = Condition()
        self.arrived = 0
        self.per_connection: dict[int, int] = {}

    def handle(self, connection: socket.socket, number: int) -> None:
        """Answer requests until the client closes."""
        while read_request(connection):
            with self._changed:
                self.per_connection[number] = self.per_connection.get(number, 0) + 1
                self.arrived += 1
                self._changed.notify_all()
                last = -(-self.arrived // self._due) * self._due
                self._changed.wait_for(lambda last=last: self.arrived >= last, LONGEST)
            connection.sendall(answer())


def fired(battery: Battery, rack: int = 0) -> list[int | None]:
    """The statuses of a rack, fired and landed."""
    battery.fire(rack)
    return statuses(battery.land(rack))


@pytest.mark.parametrize("count", [1, 3, 20])
def test_connections_stay_open_from_burst_to_burst(count):
    """The second burst opens no connection: it goes out over those of the first."""
    keeper = Keeper(count)

    with serving(keeper.handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        for _ in range(3):
            battery.load([DATA] * count)
            assert fired(battery) == [200] * count
        battery.close()

    assert server.connections == count
    assert keeper.per_connection == dict.fromkeys(range(1, count + 1), 3)


def test_connection_that_was_closed_is_replaced():
    """A target may close an idle connection at any time; the next burst is whole all the same."""
    closed = Event()

    def handle(connection, number):
        while read_request(connection):
            connection.sendall(answer())
            if number == 1:
                connection.shutdown(socket.SHUT_RDWR)
                closed.set()
                return

    with serving(handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        battery.load([DATA] * 3)
        first = fired(battery)
        closed.wait(LONGEST)
        battery.load([DATA] * 3)
        second = fired(battery)
        battery.close()

    assert first == second == [200] * 3
    assert server.connections == 4


def test_connection_that_says_close_is_not_used_again():
    """Connection: close ends a connection with its reply."""

    def handle(connection, _number):
        read_request(connection)
        connection.sendall(answer(200, b"{}", "Connection: close"))

    with serving(handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        for _ in range(2):
            battery.load([DATA] * 2)
            assert fired(battery) == [200] * 2
        battery.close()

    assert server.connections == 4


def test_two_racks_are_loaded_before_the_first_is_fired():
    """All but the last byte of the second burst is there while the first is answered, and none of it counts."""
    keeper = Keeper(2)

    with serving(keeper.handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        battery.load([DATA] * 2, rack=0)
        battery.load([DATA] * 2, rack=1)
        battery.fire(0)
        between = keeper.arrived
        battery.fire(1)
        volleys = [battery.land(rack) for rack in (0, 1)]
        battery.close()

    assert between == 2
    assert [statuses(volley) for volley in volleys] == [[200] * 2] * 2
    assert volleys[0].ended <= volleys[1].began


def test_whole_rack_sends_nothing_before_it_is_fired():
    """A target that counts a request by its head sees none of a rack that is kept back whole."""
    keeper = Keeper(2)
    heads = []

    def handle(connection, number):
        heads.append(bool(connection.recv(1, socket.MSG_PEEK)))
        keeper.handle(connection, number)

    with serving(handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        battery.load([DATA] * 2, whole=True)
        before = list(heads)
        result = fired(battery)
        battery.close()

    assert before == []
    assert result == [200] * 2


def test_rack_is_released_at_the_moment_that_was_given():
    """Several processes release together: no sooner than agreed."""
    keeper = Keeper(2)

    with serving(keeper.handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        battery.load([DATA] * 2)
        moment = time.monotonic() + 0.05
        battery.fire(at=moment)
        volley = battery.land()
        battery.close()

    assert volley.began >= moment


def test_rack_that_was_not_fired_is_loaded_anew():
    """Half a request is never followed by another on the same connection."""
    keeper = Keeper(2)

    with serving(keeper.handle) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST))
        battery.load([DATA] * 2)
        battery.load([DATA] * 2)
        result = fired(battery)
        battery.close()

    assert result == [200] * 2
    assert server.connections == 4


def test_warm_burst_over_tls(tmp_path: Path):
    """What TLS sends between requests is no reply, and closes no connection."""
    authority: Authority = make_authority(tmp_path)
    keeper = Keeper(20)

    with serving(keeper.handle, authority.context) as server:
        battery = Battery(Endpoint(server.url, timeout=LONGEST, cacert=authority.ca))
        for _ in range(2):
            battery.load([DATA] * 20)
            assert fired(battery) == [200] * 20
        battery.close()

    assert server.connections == 20


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
    ],
    ids=["chunked", "1xx first", "until the end"],
)
def test_every_kind_of_reply_is_read_to_its_end(reply):
    """A reply ends as HTTP says, whichever way it tells its length; it may come in pieces."""

    def handle(connection, _number):
        read_request(connection)
        for at in range(0, len(reply), 7):
            connection.sendall(reply[at : at + 7])

    with serving(handle) as server:
        volley = fire(Endpoint(server.url, timeout=LONGEST), [DATA] * 2)

    assert statuses(volley) == [200, 200]
    assert [shot.reply.body for shot in volley.shots] == [b"{}"] * 2
