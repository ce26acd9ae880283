"""Judge requests that followed one another: signs used again, refused requests repeated, an endpoint hammered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
# What breaks the contract, and is answered with another status than 400.
_ANSWERED_OTHERWISE = frozenset(
    {
        "wrong-path", "not-post", "body-incomplete", "secret-on-the-wire", "sign-milliseconds", "sign-expired",
        "sign-expired-by-design", "sign-wrong-secret", "sign-unknown-key",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """What a sequence keeps of one request. `same`: equal for requests that say the same but for their sign.

    `status`: of the answer, None where it is not known; `is_refused`: whether a request like it is answered 400.
    """

    same: bytes
    sign: bytes | None
    at: float | None
    status: int | None
    is_refused: bool


def lint_sequence(exchanges: Sequence[tuple[Received, int | None]], contract: Contract) -> list[list[Advice]]:
    """What only the sequence shows, for each request in turn; the findings of `lint` are not repeated.

    Each exchange is a request and the status of its answer, None where that is not known: then a request that `lint`
    says is refused counts as refused with 400. Times are those of `Received.at`; without them only many tries count as
    hammering. Two requests are the same if they are sent the same way, have the same fields but for the sign, and break
    the contract in the same points. Pure.
    """
    return lint_steps(
        [step(received, status, lint(received, contract), contract) for received, status in exchanges], contract
    )


def step(received: Received, status: int | None, findings: Iterable[Advice], contract: Contract) -> Step:
    """A request as a step of a sequence. `findings`: those of `lint`."""
    request = read_request(received, contract)
    sign = next((field.value for field in request.fields if field.name == "sign" and field.value), None)
    broken = [advice for advice in findings if advice.level == "breaks"]
    is_refused = any(advice.id not in _ANSWERED_OTHERWISE for advice in broken)
    return Step(_same(request, received, broken), sign, received.at, status, is_refused)


def lint_steps(steps: Sequence[Step], contract: Contract) -> list[list[Advice]]:
    """As lint_sequence, for steps."""
    told: list[list[Advice]] = []
    tries: dict[bytes, list[Step]] = {}
    signs: dict[bytes, list[int | None]] = {}
    for this in steps:
        remarks = []
        if this.sign is not None:
            remarks += _reused(this.sign, signs.setdefault(this.sign, []))
            signs[this.sign].append(_REFUSED if this.status is None and this.is_refused else this.status)
        before = tries.setdefault(this.same, [])
        remarks += _repeated(this, before)
        before.append(this)
        told.append([put(remark, contract) for remark in remarks])
    return told


def _same(request: Request, received: Received, broken: Iterable[Advice]) -> bytes:
    digest = hashlib.sha256()
    fields = sorted((field.name, field.value) for field in request.fields if field.name != "sign")
    texts = [part for name, value in fields for part in (name.encode("utf-8", "replace"), value)] or [received.body]
    # Whoever corrects the form or the sign sends the same fields.
    how = [
        received.method,
        received.target.partition("?")[0],
        request.form,
        *((each.id, each.field) for each in broken),
    ]
    for text in (repr(how).encode("utf-8", "backslashreplace"), *texts):
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


def _repeated(this: Step, before: list[Step]) -> list[Remark]:
    """Told of a request that says what others before it said."""
    remarks = []
    if before and before[-1].status == _REFUSED:
        remarks.append(Remark("resent-after-400"))
    elif before and before[-1].status is None and before[-1].is_refused:
        remarks.append(Remark("resent-after-400", variant="unanswered"))
    quick, last = 1, this
    for earlier in reversed(before):
        is_apart = last.at is not None and earlier.at is not None and last.at - earlier.at > _PAUSE
        if earlier.status == 200 or is_apart:
            break
        quick, last = quick + 1, earlier
    is_busy = bool(before) and before[-1].status in _BUSY and this.at is not None and before[-1].at is not None
    if quick > _MOST_TRIES or (is_busy and quick > 2):
        remarks.append(Remark("hammering", values={"times": quick}))
    return remarks
