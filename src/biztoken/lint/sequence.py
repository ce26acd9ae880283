"""Judge requests that followed one another: signs used again, refused requests repeated, an endpoint hammered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from biztoken.contract import Contract
from biztoken.lint.advice import Advice, Remark, put
from biztoken.lint.judge import lint
from biztoken.lint.request import Request, read_request
from biztoken.lint.signs import take_apart
from biztoken.received import Received

# A client that may try again after INTERNAL_ERROR, and does so twice, does nothing wrong.
_MOST_TRIES = 4
_PAUSE = 1.0  # seconds: whoever waits longer before the next try gives the endpoint room
_REFUSED = 400
_BUSY = (403, 429, 503)
_FAILED = 500


def lint_sequence(exchanges: Sequence[tuple[Received, int | None]], contract: Contract) -> list[list[Advice]]:
    """What only the sequence shows, for each request in turn; the findings of `lint` are not repeated.

    Each exchange is a request and the status of its answer, None where that is not known: then a request that `lint`
    says is refused counts as refused with 400. Times are those of `Received.at`; without them only many tries count as
    hammering. Two requests are the same if all their fields but the sign are. Pure.
    """
    told: list[list[Advice]] = []
    tries: dict[bytes, list[tuple[Received, int | None]]] = {}
    signs: dict[bytes, list[int | None]] = {}
    for received, status in exchanges:
        request = read_request(received, contract)
        status = _REFUSED if status is None and _is_refused(received, contract) else status  # noqa: PLW2901
        remarks = []
        sign = next((field.value for field in request.fields if field.name == "sign" and field.value), None)
        if sign is not None:
            remarks += _reused(sign, signs.setdefault(sign, []))
            signs[sign].append(status)
        before = tries.setdefault(_same(request, received), [])
        remarks += _repeated(received, before)
        before.append((received, status))
        told.append([put(remark, contract) for remark in remarks])
    return told


def _is_refused(received: Received, contract: Contract) -> bool:
    return any(advice.level == "breaks" for advice in lint(received, contract))


def _same(request: Request, received: Received) -> bytes:
    """The same for requests that say the same but for their sign."""
    digest = hashlib.sha256()
    fields = sorted((field.name, field.value) for field in request.fields if field.name != "sign")
    for text in [part for name, value in fields for part in (name.encode(), value)] or [received.body]:
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def _reused(sign: bytes, answers: list[int | None]) -> list[Remark]:
    """Told of a sign that came before; `answers` are the statuses it met."""
    if not answers:
        return []
    values = {"times": len(answers) + 1}
    if take_apart(sign).expires == "0":
        return [Remark("sign-reused", "sign", "single-use", values, "breaks", "SIGN-SINGLE-USE")]
    # The contract asks to send the request again after INTERNAL_ERROR; a sign that lasts may well serve for that.
    is_repeat = all(answer == _FAILED for answer in answers)
    return [Remark("sign-reused", "sign", None, values, "advice" if is_repeat else None)]


def _repeated(received: Received, before: list[tuple[Received, int | None]]) -> list[Remark]:
    """Told of a request that says what others before it said."""
    remarks = []
    if before and before[-1][1] == _REFUSED:
        remarks.append(Remark("resent-after-400", values={"times": len(before) + 1}))
    quick, last = 1, received
    for earlier, status in reversed(before):
        if status == 200 or (last.at is not None and earlier.at is not None and last.at - earlier.at > _PAUSE):
            break
        quick, last = quick + 1, earlier
    is_busy = bool(before) and before[-1][1] in _BUSY and received.at is not None and before[-1][0].at is not None
    if quick > _MOST_TRIES or (is_busy and quick > 2):
        remarks.append(Remark("hammering", values={"times": quick}))
    return remarks
