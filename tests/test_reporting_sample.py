"""Sample runs for the tests of the reports, and the rule that they are what a run writes."""

import json
from collections import Counter

import pytest

from biztoken.reporting.result import problems, write_result

URL = "https://faceid.example.com/faceid/v3/sdk/get_biz_token"
PICTURE = {
    "label": "face",
    "bytes": 48211,
    "sha256": "3fa1c9d2" * 8,
    "media_type": "image/jpeg",
    "filename": "face.jpg",
}
HOSTILE = (
    "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> {{ 7*7 }} `|` "
    "\x00\x1b[31m\x85 \u202egnp.exe \ud83d 👩‍👩‍👧 </pre>"
)
FORM = (
    {"name": "sign", "value": "<sign>"},
    {"name": "sign_version", "value": "hmac_sha1"},
    {"name": "liveness_type", "value": "meglive"},
    {"name": "comparison_type", "value": "0"},
    {"name": "uuid", "value": "visitor-7f3a"},
    {"name": "image_ref1", "picture": PICTURE},
)


def no_key(name):
    """The reason for a clause that needs one more key."""
    return {
        "en": f"The target file has no keys.{name}; add it with api_key and api_secret.",
        "zh": f"目标文件中没有 keys.{name}；请添加它的 api_key 和 api_secret。",
    }


def clause(name, verdict="PASS", level="MUST", **more):
    """A clause of a result, by default one that is kept."""
    row = {"id": name, "level": level, "side": "both", "subject": "uuid", "rule": "length", "section": "参数 uuid"}
    row |= {"en": f"What {name} says.", "zh": f"{name} 的内容。", "verdict": verdict, "checks": 2}
    return row | {"reason": None, "excluded": None, "observations": [], "findings": [], "last_passed": None} | more


def finding(number, case, *, received="200 with a biz_token", exchanges=(1, 2), **more):
    """A finding of a result: by default a refusal that did not come."""
    row = {"id": f"finding-{number}", "case": case, "aspect": "accepted", "expected": "400 BAD_ARGUMENTS: uuid"}
    row |= {"received": received, "difference": "uuid is 129 bytes of UTF-8 instead of 12"}
    return row | {"exchanges": list(exchanges), "cause": None, "count": 1, "waived": None} | more


def case(name, of, verdict="PASS", exchanges=(1, 2), **more):
    """A case of a result."""
    row = {"id": name, "clause": of, "family": "arguments", "verdict": verdict, "reason": None}
    return row | {"exchanges": list(exchanges), "seconds": 0.021} | more


def exchange(number, name, role="defect", *, form=FORM, body=None, status=200, **more):
    """A line of evidence."""
    body = json.dumps(body or {"request_id": f"1719822{number:03},a-b", "time_used": 12, "biz_token": "1719822,c-d"})
    request = {"method": "POST", "url": URL, "fields": list(form), "bytes": 49820, "note": ""}
    reply = {"status": status, "headers": {"content-type": "application/json"}, "body": body, "bytes": len(body)}
    row = {"id": number, "case": name, "role": role, "attempt": 1, "request": request, "reply": reply}
    return row | {"failure": None, "started": "2026-07-01T08:30:12.120Z", "elapsed_ms": 31.7} | more


def changed(**values):
    """The form of the control with some fields set, or left out where the value is None."""
    kept = [field for field in FORM if field["name"] not in values]
    return [*kept, *({"name": name, "value": value} for name, value in values.items() if value is not None)]


def result(verdict="conformant", clauses=(), cases=(), **more):
    """A whole result."""
    counts = {}
    for row in clauses:
        counts.setdefault(row["level"], Counter())[row["verdict"]] += 1
    exit_code = {"conformant": 0, "not-conformant": 1, "no-verdict": 2, "incomplete": 3}[verdict]
    whole = {"schema_version": "1.0", "kind": "check", "verdict": verdict, "exit_code": exit_code, "complete": True}
    whole |= {"scope": "full", "planned": len(cases), "executed": len(cases), "requests": 2 * len(cases)}
    whole |= {"seconds": 14.2, "seed": 20260701, "plan": "core", "strict": False, "started": "2026-07-01T08:30:11Z"}
    whole |= {"target": {"name": "staging", "url": URL, "mock": False}, "reason": None, "counts": counts}
    whole |= {"versions": {"biztoken": "0.1.0", "contract": "1.0.1", "python": "3.12.4", "schemathesis": "4.32.5"}}
    whole |= {"options": {"target": "staging.yaml", "plan": "core", "select": None, "strict": False, "fuzz": 0}}
    whole |= {"environment": {"os": "Linux", "cores": 2}, "causes": [], "notes": []}
    whole |= {"waivers": [], "baseline": None, "latency_ms": None}
    return whole | {"clauses": list(clauses), "cases": list(cases)} | more


def write(directory, whole, exchanges=(), finished=(), *, plan=None, torn=""):
    """Write a run as the suite writes it; `torn` is what a killed process left of its last line."""
    directory.mkdir(parents=True, exist_ok=True)
    write_result(directory, whole)
    lines = "".join(json.dumps(row) + "\n" for row in exchanges)
    (directory / "evidence.ndjson").write_text(lines + torn, "utf-8")
    if finished:
        (directory / "cases.ndjson").write_text("".join(json.dumps(row) + "\n" for row in finished), "utf-8")
    rows = [{"id": row["id"], "clause": row["clause"], "family": "arguments"} for row in whole["cases"]]
    (directory / "plan.json").write_text(json.dumps(plan or {"planned": len(rows), "cases": rows}), "utf-8")
    return directory


def conformant():
    """A run with nothing to say against the target."""
    clauses = [clause("UUID-LENGTH"), clause("VERBOSE-VALUES"), clause("NUMBER-FORMS", "OBSERVED", "OBSERVE")]
    return result(clauses=clauses, cases=[case("uuid-129-bytes", "UUID-LENGTH"), case("verbose-0", "VERBOSE-VALUES")])


def broken():
    """A run with one broken clause, its control and its defect."""
    clauses = [clause("UUID-LENGTH", "FAIL", findings=[finding(1, "uuid-129-bytes")]), clause("VERBOSE-VALUES")]
    cases = [case("uuid-129-bytes", "UUID-LENGTH", "FAIL"), case("verbose-0", "VERBOSE-VALUES")]
    return result("not-conformant", clauses, cases)


def broken_exchanges():
    """The evidence of `broken`."""
    return [
        exchange(1, "uuid-129-bytes", "control"),
        exchange(2, "uuid-129-bytes", form=changed(uuid="好" * 43)),
    ]


def one_cause(number=6):
    """A run in which every error is told with status 200, and one clause is broken for a reason of its own."""
    cause = {"id": "cause-1", "aspect": "status", "received": "status 200", "clauses": []}
    cause |= {"en": "Errors are told with status 200.", "zh": "错误以状态码 200 返回。"}
    clauses, cases = [], []
    for index in range(number):
        name = f"ROW-{index}-STATUS"
        told = finding(index, f"row-{index}", received="status 200", cause="cause-1", aspect="status")
        clauses.append(clause(name, "FAIL", findings=[told]))
        cases.append(case(f"row-{index}", name, "FAIL"))
        cause["clauses"].append(name)
    clauses.insert(0, clause("UUID-LENGTH", "FAIL", findings=[finding(90, "uuid-129-bytes")]))
    cases.append(case("uuid-129-bytes", "UUID-LENGTH", "FAIL"))
    return result("not-conformant", clauses, cases, causes=[cause])


def untestable():
    """A run against a target that leaves two clauses untested for one reason."""
    told = {"verdict": "UNTESTABLE", "reason": no_key("discontinued")}
    clauses = [clause("UUID-LENGTH"), clause("API-KEY-A", **told), clause("API-KEY-B", **told)]
    cases = [case("uuid-129-bytes", "UUID-LENGTH"), case("key-a", "API-KEY-A", exchanges=(), **told)]
    return result(clauses=clauses, cases=cases)


def warned(*, strict):
    """A run with one broken SHOULD."""
    clauses = [
        clause("UUID-LENGTH"),
        clause("VERBOSE-VALUES-REFUSED", "WARN", "SHOULD", findings=[finding(1, "verbose-9")]),
    ]
    cases = [case("uuid-129-bytes", "UUID-LENGTH"), case("verbose-9", "VERBOSE-VALUES-REFUSED", "WARN")]
    return result("not-conformant" if strict else "conformant", clauses, cases, strict=strict)


def hostile():
    """A run in which the target and the cases hold everything that could break out."""
    told = finding(1, HOSTILE, received=HOSTILE, expected=HOSTILE, difference=HOSTILE)
    why = {"en": HOSTILE, "zh": HOSTILE}
    clauses = [
        clause("UUID-LENGTH", "FAIL", findings=[told]),
        clause("A", "UNTESTABLE", reason=why),
        clause("B", "OBSERVED", "OBSERVE", observations=[HOSTILE, "x" * 100_000]),
        clause("C", "HARNESS", reason=why),
    ]
    cases = [case(HOSTILE, "UUID-LENGTH", "FAIL"), case("c-1", "C", "HARNESS", reason=why)]
    whole = result("not-conformant", clauses, cases, notes=[why], environment={HOSTILE: HOSTILE})
    whole["target"] = {"name": HOSTILE, "url": "https://x/" + HOSTILE, "mock": False}
    record = exchange(2, HOSTILE, form=changed(**{HOSTILE: HOSTILE, "uuid": "x" * 100_000}))
    record["reply"]["body"] = HOSTILE * 40
    record["reply"]["headers"] = {"content-type": HOSTILE}
    record["request"]["note"] = HOSTILE
    lost = exchange(3, "c-1", reply=None, failure=HOSTILE)
    return whole, [exchange(1, HOSTILE, "control"), record, lost]


def killed(directory):
    """A run killed in its third case of four: a result from before the first request, and a torn line."""
    names = ["uuid-129-bytes", "verbose-0", "verbose-1", "biz-no"]
    clauses = [clause(name, "NOT_RUN") for name in ("UUID-LENGTH", "VERBOSE-VALUES", "BIZ-NO-LENGTH")]
    owners = ["UUID-LENGTH", "VERBOSE-VALUES", "VERBOSE-VALUES", "BIZ-NO-LENGTH"]
    cases = [case(name, of, "NOT_RUN", ()) for name, of in zip(names, owners, strict=True)]
    early = {"complete": False, "executed": 0, "requests": 0, "seconds": 0.0}
    whole = result("incomplete", clauses, cases, **early)
    failed = case(names[0], owners[0], "FAIL") | {"findings": [finding(1, names[0]) | {"clause": owners[0]}]}
    finished = [failed, case(names[1], owners[1]) | {"findings": []}]
    torn = json.dumps(exchange(4, names[2]))[:80]
    return write(directory, whole, [*broken_exchanges(), exchange(3, names[1])], finished, torn=torn)


@pytest.mark.parametrize(
    "whole", [conformant(), broken(), one_cause(), untestable(), warned(strict=True), warned(strict=False)]
)
def test_sample_keeps_the_schema(whole):
    """The samples are results as the published schema describes them."""
    assert problems(whole) == []
