"""What data cannot say: cases of several requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from biztoken.client import Request
from biztoken.finding import broken
from biztoken.judge import Alternative, Expected
from biztoken.model import Check, Verdict
from biztoken.pytest_plugin import sequence
from biztoken.reading import Outcome, read
from biztoken.requests import fill
from biztoken.sender import harness_text
from biztoken.verdicts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biztoken.cases import Branch, Case
    from biztoken.runner import Run
    from biztoken.settings import Target
    from biztoken.verdicts import CaseResult

RAW = {"liveness_type": ("raw_image",)}
HIGHEST_BLUR = 6.0  # pixels at 300; faces are no longer found far above it


@sequence(
    "sign-replay",
    "SIGN-SINGLE-USE",
    needs=("single_use_sign",),
    requests=lambda target: 2 if target.single_use_sign else 0,
)
def test_single_use(run: Run, case: Case, branch: Branch) -> CaseResult:
    """A sign with expiry time 0 is accepted once and refused when it comes again."""
    if not run.client.target.single_use_sign:
        reason = Text("The target file says single_use_sign: false.", "目标文件写明 single_use_sign: false。")
        return run.result(case, Verdict.NOT_APPLICABLE, reason)
    request = replace(sound(run, branch), sign={"expire": "single-use"})
    form = run.client.signed(request)
    data = run.client.encode(request, form)
    first = run.client.send_bytes(request, form, data, case=case.id, role="control")
    if first.reply is None:
        return run.result(case, Verdict.HARNESS, harness_text(first), (first.id,))
    reading = run.sender.weigh(first, request, case.id)
    if reading.outcome is not Outcome.ACCEPTED:
        run.ledger.take([broken(case.clause, "refused", "accepted once", reading.told())], case, (first.id,))
        return run.result(case, Verdict.WARN, None, (first.id,))
    second = run.client.send_bytes(request, form, data, case=case.id, role="defect")
    if second.reply is None:
        return run.result(case, Verdict.HARNESS, harness_text(second), (first.id, second.id))
    expected = Expected("refused", case.clause, (Alternative("AUTHORIZATION_ERROR", "*"),), own=True)
    run.sender.weigh(second, request, case.id, expected)
    result = run.judged(replace(case, expected=expected), second)
    return replace(result, exchanges=(first.id, second.id))


@sequence("sign-reuse", "SIGN-REUSE", requests=lambda _: 2)
def test_reuse(run: Run, case: Case, branch: Branch) -> CaseResult:
    """What a sign with an expiry time earns when it comes again is recorded."""
    request = sound(run, branch)
    form = run.client.signed(request)
    data = run.client.encode(request, form)
    first = run.client.send_bytes(request, form, data, case=case.id, role="probe")
    second = run.client.send_bytes(request, form, data, case=case.id, role="probe")
    for exchange in (first, second):  # accepted or not, a token or request_id never comes twice
        if exchange.reply is not None:
            run.sender.weigh(exchange, request, case.id)
    return run.judged(replace(case, expected=Expected("observe", case.clause)), second)


@sequence("quality-bisection", "FACE-QUALITY-THRESHOLD-JUDGED", where=RAW, requests=lambda _: 9)
def test_quality(run: Run, case: Case, branch: Branch) -> CaseResult:
    """One picture's score, found by bisection, divides the thresholds: below it passes, above it does not."""
    low, high = 0, 100
    for _ in range(7):  # as many halvings as 100 values need; where six do, the last asks the same again
        middle = max((low + high) // 2, 1)
        form = {"image": {"picture": "blurred-2"}, "face_quality_threshold": str(middle)}
        passes = passes_at(run, case, branch, form)
        if passes is None:
            return unscored(run, case)
        low, high = (middle, high) if passes else (low, middle)
    for threshold, due in ((low // 2, True), ((high + 100) // 2, False)):
        form = {"image": {"picture": "blurred-2"}, "face_quality_threshold": str(threshold)}
        if passes_at(run, case, branch, form) is not due:
            told = f"score {low}, but threshold {threshold} {'refused' if due else 'passed'}"
            run.ledger.take([broken(case.clause, "not monotone", "one score divides the thresholds", told)], case, ())
            return run.result(case, Verdict.FAIL)
    run.ledger.take([Check(case.clause)], case, ())
    return run.result(case, Verdict.PASS)


def cost_of_default(target: Target) -> int:
    """Requests to a sound target: as many as find two pictures around the threshold, and one for each of them."""
    return (2 if "low_quality" in target.pictures else 10) + 2


@sequence("quality-default", "FACE-QUALITY-THRESHOLD-DEFAULT", where=RAW, requests=cost_of_default)
def test_quality_default(run: Run, case: Case, branch: Branch) -> CaseResult:
    """Without a threshold a picture just above 30 passes and one just below is LOW_QUALITY."""
    pair = pictures_around(run, case, branch)
    if pair is None:
        return unscored(run, case)
    for picture, due in zip(pair, (True, False), strict=True):
        passes = passes_at(run, case, branch, {"image": {"picture": picture}, "face_quality_threshold": None})
        if passes is None:
            return unscored(run, case)
        if passes is not due:
            word = "passed" if passes else "LOW_QUALITY"
            told = f"a picture just {'above' if due else 'below'} 30: {word} without a threshold"
            run.ledger.take([broken(case.clause, "default", "as with face_quality_threshold 30", told)], case, ())
            return run.result(case, Verdict.FAIL)
    run.ledger.take([Check(case.clause)], case, ())
    return run.result(case, Verdict.PASS)


@sequence("quality-of-largest", "FACE-QUALITY-THRESHOLD-LARGEST", where=RAW, requests=lambda _: 14)
def test_quality_of_largest(run: Run, case: Case, branch: Branch) -> CaseResult:
    """With a sharp and a blurred face, the larger one decides."""
    pair = blurred_around(run, case, branch)  # the user's own picture cannot stand in for a radius
    if pair is None:
        return unscored(run, case)
    # Clearly below 30, so that a detector's slightly other frame in the larger picture cannot matter.
    radius = min(float(pair[1].removeprefix("blurred-")) + 0.7, HIGHEST_BLUR)
    verdicts = {}
    for largest in ("sharp", "blurred"):
        picture = {"picture": f"two-faces-large-{largest}-{radius:g}"}
        if not shows_two_faces(run, case, branch, picture):
            return unscored(run, case)
        form = {"image": picture, "fail_when_multiple_faces": "0", "face_quality_threshold": "30"}
        verdicts[largest] = passes_at(run, case, branch, form)
    if verdicts == {"sharp": True, "blurred": False}:
        run.ledger.take([Check(case.clause)], case, ())
        return run.result(case, Verdict.PASS)
    # The same two faces, both sharp or both blurred, tell whether the smaller one made the difference.
    for largest, passed, both in (("sharp", False, 0.0), ("blurred", True, radius)):
        picture = {"picture": f"two-faces-large-both-{both:g}"}
        form = {"image": picture, "fail_when_multiple_faces": "0", "face_quality_threshold": "30"}
        if verdicts[largest] is passed and passes_at(run, case, branch, form) is not passed:
            told = f"the largest face {largest}, the smaller one not: {'passed' if passed else 'LOW_QUALITY'}"
            run.ledger.take([broken(case.clause, "largest", "the largest face decides", told)], case, ())
            return run.result(case, Verdict.FAIL)
    return unscored(run, case)


def sound(run: Run, branch: Branch, **changes: object) -> Request:
    """A sound request of a branch with some fields changed."""
    control = run.controls.get(branch, {}, "sequences")
    return Request(fill({**control.form, **changes}, run.samples))


def passes_at(run: Run, case: Case, branch: Branch, changes: Mapping[str, object]) -> bool | None:
    """Whether the request is accepted (True) or LOW_QUALITY (False); None for anything else."""
    exchange = run.sender.persist(sound(run, branch, **changes), case.id, "probe")
    if exchange.reply is None:
        return None
    reading = read(exchange.reply)
    if reading.outcome is Outcome.ACCEPTED:
        return True
    return False if reading.name == "LOW_QUALITY" else None


def pictures_around(run: Run, case: Case, branch: Branch) -> tuple[str, str] | None:
    """Two pictures by name that score just above and just below 30: the user's own, where there are."""
    if run.samples.pictures.has_own("low_quality"):
        pair = ("face", "own-low-quality")
        at_30 = [
            passes_at(run, case, branch, {"image": {"picture": name}, "face_quality_threshold": "30"}) for name in pair
        ]
        return pair if at_30 == [True, False] else None
    return blurred_around(run, case, branch)


def blurred_around(run: Run, case: Case, branch: Branch) -> tuple[str, str] | None:
    """The portrait, less and more blurred, so that it scores just above and just below 30."""
    sharp, blurred = 0.0, HIGHEST_BLUR
    if not passes_at(run, case, branch, {"image": {"picture": "face"}, "face_quality_threshold": "30"}):
        return None
    for _ in range(8):
        radius = round((sharp + blurred) / 2, 2)
        form = {"image": {"picture": f"blurred-{radius:g}"}, "face_quality_threshold": "30"}
        passes = passes_at(run, case, branch, form)
        # A picture so blurred that no face is found lies on the blurred side, too.
        sharp, blurred = (radius, blurred) if passes else (sharp, radius)
    last = passes_at(run, case, branch, {"image": {"picture": f"blurred-{blurred:g}"}, "face_quality_threshold": "30"})
    return (f"blurred-{sharp:g}", f"blurred-{blurred:g}") if last is False else None


def shows_two_faces(run: Run, case: Case, branch: Branch, picture: Mapping[str, str]) -> bool:
    """Whether the target sees several faces in a picture."""
    changes = {"image": picture, "fail_when_multiple_faces": "1", "face_quality_threshold": "0"}
    exchange = run.sender.persist(sound(run, branch, **changes), case.id, "probe")
    return exchange.reply is not None and read(exchange.reply).name == "MULTIPLE_FACES"


def unscored(run: Run, case: Case) -> CaseResult:
    """No picture of ours scores around 30 on this target's scale."""
    reason = Text(
        "No test picture scores around the threshold on this target; give pictures.face and pictures.low_quality.",
        "没有测试图片的质量分落在阈值附近；请提供 pictures.face 和 pictures.low_quality。",
    )
    return run.result(case, Verdict.UNTESTABLE, reason)
