"""What one drill shows of a client: (scenario, what was seen) -> points. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from biztoken.drill import words
from biztoken.drill.pace import is_hasty, pauses
from biztoken.drill.point import Judgement, Point
from biztoken.drill.printed import crash, given_away, kept
from biztoken.drill.scenario import CONTROL, Scenario
from biztoken.drill.seen import Ending, Seen, Sent
from biztoken.verdicts import Text

MOST_REQUESTS = 25  # in one call; who sends more does not stop by itself
_HANDLED = ("CLIENT-UNKNOWN-ERROR", "CLIENT-PLAIN-413")  # clauses that ask for a failure told with its reason
_REFUSED = (400, 404, 413)  # statuses that come of the request itself
_PRIVATE = {"sign": "签名", "idcard_name": "姓名", "idcard_number": "证件号码"}


def judge(scenario: Scenario, seen: Seen, secret: str, limit: float) -> Judgement:
    """All that a drill showed. `secret`: the client's api_secret; `limit`: seconds after which it must have ended."""
    points = tuple(_points(scenario, seen, secret, limit))
    notes = tuple((scenario.clause, text) for text in _notes(scenario, seen))
    if any(point.clause == scenario.clause for point in points):
        return Judgement(points, notes)
    why_not, is_beside = _why_not(scenario, seen)
    return Judgement(points, notes, why_not, is_beside)


def control_failed(seen: Seen) -> Text | None:
    """Why a client shows nothing in any drill: it did not do well when all was well. None where it did."""
    if seen.is_granted and seen.ending.succeeded is not False and not seen.ending.stopped:
        return None
    return words.reason("silent", **ended(seen.ending)) if seen.is_silent else words.reason("no-control")


def ended(ending: Ending) -> dict[str, str]:
    """How a client ended, as values for other texts."""
    if ending.stopped:
        return words.end("stopped", seconds=f"{ending.seconds:.0f}")
    if ending.status is not None:
        key = "status" if ending.status >= 0 else "signal"
        return words.end(key, status=abs(ending.status))
    return words.end({True: "success", False: "failure", None: "unknown"}[ending.succeeded])


def _points(scenario: Scenario, seen: Seen, secret: str, limit: float) -> Iterator[Point]:
    yield from _given_away(seen, secret)
    if seen.is_silent:
        return
    yield from _stopped(scenario, seen, limit)
    yield from _outcome(scenario, seen)
    yield from _reason(scenario, seen)
    yield from _signs(seen.sent)
    yield from _repeats(scenario, seen)
    own = _OWN.get(scenario.clause)
    if own:
        yield from own(seen)


# --- whatever the drill


def _stopped(scenario: Scenario, seen: Seen, limit: float) -> Iterator[Point]:
    """A client that had to be stopped. That of the control is no matter of this: a service would run on."""
    why = seen.ending.stopped
    told = {"limit": f"{limit:g}", "most": MOST_REQUESTS, "n": len(seen.sent)}
    if why == "requests":
        yield _broken("CLIENT-GIVE-UP", "endless", "give-up", "endless", **told)
    elif scenario.clause == "CLIENT-TIMEOUT":
        yield _broken("CLIENT-TIMEOUT", "waiting", "timeout", "waiting", **told) if why else Point("CLIENT-TIMEOUT")
    elif why and scenario.id != CONTROL:
        yield _broken("CLIENT-GIVE-UP", "endless", "give-up", "still", **told)
    elif scenario.clause == "CLIENT-GIVE-UP":
        yield Point("CLIENT-GIVE-UP")


def _outcome(scenario: Scenario, seen: Seen) -> Iterator[Point]:
    """What the client says that it has must be what it was given."""
    succeeded = seen.ending.succeeded
    if succeeded is None or seen.ending.stopped:
        return
    if seen.is_granted:
        fits = scenario.clause == "CLIENT-UNKNOWN-FIELDS"
        clause = scenario.clause if fits else "CLIENT-SUCCESS"
        yield Point(clause) if succeeded else _broken(clause, "failed", "success", "failed", **ended(seen.ending))
        return
    refused = _refusal(seen.sent) if scenario.id == CONTROL else None
    if refused and refused[0] < 500:  # what fails here without being asked to is no matter of the client's
        key = "refused" if refused[1] else "refused-bare"
        yield _broken("CLIENT-REQUEST", "refused", "accepted", key, status=refused[0], error=refused[1])
    for clause in ("CLIENT-FAIL-CLOSED", *(name for name in _HANDLED if name == scenario.clause)):
        yield _broken(clause, "open", "failure", "open", **ended(seen.ending)) if succeeded else Point(clause)


def _refusal(sent: Iterable[Sent]) -> tuple[int, str] | None:
    """The last refusal: status and error."""
    readings = [reading for request in sent if (reading := request.reading)]
    return (readings[-1].status, readings[-1].error or "") if readings else None


def _reason(scenario: Scenario, seen: Seen) -> Iterator[Point]:
    """The error told last must be found in what the client printed."""
    was_told = any(request.reading for request in seen.sent)
    ending = seen.ending
    if not scenario.keep or not was_told or seen.is_granted or ending.stopped or _has_no_words(ending):
        return
    clause = scenario.clause if scenario.clause in _HANDLED else "CLIENT-REASON"
    crashed = crash(ending.output, ending.status)
    told = ", ".join(" / ".join(texts) for texts in scenario.keep)
    if clause in _HANDLED and crashed and crashed.is_mishap:
        yield _broken(clause, "crash", "no-crash", "crash", name=crashed.name)
    elif kept(ending.output, scenario.keep):
        yield Point(clause)
    elif crashed:
        yield _broken(clause, "lost", "reason", "lost-crash", keep=told, name=crashed.name)
    else:
        yield _broken(clause, "lost", "reason", "lost", keep=told, **ended(ending))


def _signs(sent: Iterable[Sent]) -> Iterator[Point]:
    signs = Counter(request.text("sign") for request in sent if request.text("sign"))
    if any(count > 1 for count in signs.values()):
        yield _broken("CLIENT-NEW-SIGN", "same-sign", "new-sign", "same-sign")
    elif len(signs) > 1:
        yield Point("CLIENT-NEW-SIGN")


def _repeats(scenario: Scenario, seen: Seen) -> Iterator[Point]:
    """Whether a request that was refused for what it says came again as it was."""
    refused = [
        (request.status, after)
        for number, request in enumerate(seen.sent)
        if request.reading and request.status in _REFUSED
        for after in [any(_same(request, later) for later in seen.sent[number + 1 :])]
    ]
    if not refused:
        return
    status = next((status for status, is_repeated in refused if is_repeated), None)
    if status is None:
        yield Point("CLIENT-NO-REPEAT")
    else:
        yield _broken("CLIENT-NO-REPEAT", "repeated", "no-repeat", "repeated", status=status)


def _same(one: Sent, other: Sent) -> bool:
    """Whether two requests say the same, but for what each request has of its own."""
    own = {"sign"}
    return {key: value for key, value in one.fields.items() if key not in own} == {
        key: value for key, value in other.fields.items() if key not in own
    }


def _given_away(seen: Seen, secret: str) -> Iterator[Point]:
    """Private texts in what was printed; lint looks for the secret in what was sent."""
    if _has_no_words(seen.ending):
        return
    private = {name: {request.text(name) for request in seen.sent} for name in _PRIVATE}
    found = dict(given_away(seen.ending.output, {"api_secret": {secret}, **private}))
    if "api_secret" in found:
        told = {"what": "the api_secret", "what_zh": " api_secret", "spelling": found["api_secret"]}
        yield _broken("CLIENT-SECRET", "printed", "not-printed", "printed", **told)
    else:
        yield Point("CLIENT-SECRET")
    for name, spelling in found.items():
        if name in _PRIVATE:
            told = {"what": name, "what_zh": _PRIVATE[name], "spelling": spelling}
            yield _broken("CLIENT-PRIVATE", "printed", "not-printed", "printed", **told)
    if seen.sent and not found.keys() & _PRIVATE.keys():
        yield Point("CLIENT-PRIVATE")


def _has_no_words(ending: Ending) -> bool:
    """Whether a client that already runs handed in nothing; a command that prints nothing is heard all the same."""
    return ending.status is None and not ending.output


# --- what a drill is for


def _retry(seen: Seen) -> Iterator[Point]:
    if len(seen.sent) > 1:
        yield Point("CLIENT-RETRY")
    elif seen.sent and not seen.ending.stopped:
        yield _broken("CLIENT-RETRY", "once", "retry", "once")


def _back_off(seen: Seen) -> Iterator[Point]:
    waits = pauses(seen.sent)
    if is_hasty(waits) or seen.ending.stopped == "requests":
        yield _broken("CLIENT-BACK-OFF", "hammering", "back-off", "hammering", waits=_listed(waits))
    elif seen.sent:
        yield Point("CLIENT-BACK-OFF")


def _certificate(seen: Seen) -> Iterator[Point]:
    if seen.sent:
        yield _broken("CLIENT-CERTIFICATE", "sent", "no-request", "sent")
    elif any(connection.opening == "tls" for connection in seen.connections):
        yield Point("CLIENT-CERTIFICATE")
    yield from _https(seen)


def _https(seen: Seen) -> Iterator[Point]:
    openings = {connection.opening for connection in seen.connections}
    if "clear" in openings:
        yield _broken("CLIENT-HTTPS", "clear", "tls", "clear")
    elif "tls" in openings:
        yield Point("CLIENT-HTTPS")


def _not_json(seen: Seen) -> Iterator[Point]:
    """A crash on an answer that cannot be read; asked for beside the failure that must be told."""
    if seen.ending.succeeded is None or seen.ending.stopped or seen.is_granted:
        return
    crashed = crash(seen.ending.output, seen.ending.status)
    if crashed and crashed.is_mishap:
        yield _broken("CLIENT-NOT-JSON", "crash", "no-crash", "crash", name=crashed.name)
    else:
        yield Point("CLIENT-NOT-JSON")


_OWN: Mapping[str, Callable[[Seen], Iterator[Point]]] = {
    "CLIENT-RETRY": _retry,
    "CLIENT-BACK-OFF": _back_off,
    "CLIENT-CERTIFICATE": _certificate,
    "CLIENT-HTTPS": _https,
    "CLIENT-NOT-JSON": _not_json,
    "CLIENT-FAIL-CLOSED": _not_json,
}


# --- what is only told


def _notes(scenario: Scenario, seen: Seen) -> Iterator[Text]:
    number = len(seen.sent)
    seconds = f"{seen.ending.seconds:.1f}"
    if seen.is_silent:
        return
    if scenario.clause == "CLIENT-BACK-OFF":
        yield words.note("waits", waits=_listed(pauses(seen.sent))) if number > 1 else words.note("gave-up-at-once")
    elif scenario.clause in ("CLIENT-RETRY", "CLIENT-GIVE-UP") and not seen.is_granted and not seen.ending.stopped:
        yield words.note("gave-up-after", n=number)
    elif scenario.clause == "CLIENT-DROPPED":
        yield _again(seen)
    elif scenario.clause == "CLIENT-TIMEOUT":
        yield words.note("ended-after", seconds=seconds)
        yield _again(seen)
    elif scenario.clause == "CLIENT-SLOW":
        yield words.note("waited" if seen.is_granted else "did-not-wait", seconds=seconds)
    elif scenario.line == "trusted":
        yield words.note("trusted" if seen.is_granted else "not-trusted")


def _again(seen: Seen) -> Text:
    tries = max(len(seen.sent), len(seen.connections))
    if tries < 2:
        return words.note("not-again")
    numbers = Counter(request.text("biz_no") for request in seen.sent if request.text("biz_no"))
    is_same = any(count > 1 for count in numbers.values())
    return words.note("again-same-biz-no" if is_same else "again", n=tries)


def _why_not(scenario: Scenario, seen: Seen) -> tuple[Text, bool]:
    if seen.is_silent:
        return words.reason("silent", **ended(seen.ending)), False
    if scenario.clause == "CLIENT-NEW-SIGN":
        return words.reason("one-request"), True
    if seen.ending.stopped:
        return words.reason("not-ended"), False
    if scenario.keep and _has_no_words(seen.ending):
        return words.reason("no-words"), False
    if seen.ending.succeeded is None:
        return words.reason("no-outcome"), False
    return words.reason("not-reached"), False


def _broken(clause: str, aspect: str, wants: str, came: str, **values: object) -> Point:
    """A finding; each text takes of the values what it needs."""
    return Point(clause, aspect, words.expected(wants, **values), words.received(came, **values))


def _listed(waits: Iterable[float]) -> str:
    shown = [f"{wait:.2f}" for wait in waits]
    return ", ".join(shown[:6]) + (" …" if len(shown) > 6 else "")
