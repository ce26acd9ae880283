"""Sample proofs for the tests of the reports, and the rule that they are what a proof writes."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from test_reporting_sample import HOSTILE

from biztoken.reporting.result import problems, schema, write_result

CASE_SET = "9f2c" * 16
VERSIONS = {"biztoken": "0.2.0", "contract": "1.0.1", "python": "3.12.4", "schemathesis": "4.32.5"}


def text(english, chinese):
    """A text in both languages."""
    return {"en": english, "zh": chinese}


def entry(clause, *cases, level="MUST", received="status 200, accepted"):
    """One clause that a run found broken."""
    return {"clause": clause, "level": level, "cases": list(cases), "received": received}


def clause(name, *faults, level="MUST", subject="uuid", section="参数 uuid", excluded=None):
    """A clause of a proof with the faults that claim it."""
    row = {"id": name, "level": level, "subject": subject, "section": section, "faults": list(faults)}
    return row | text(f"What {name} says.", f"{name} 的内容。") | {"excluded": excluded}


def fault(name, of, outcome="killed", broken=None, *, level="MUST", **more):
    """A fault of a proof, by default one that its own clause killed."""
    if broken is None:
        broken = [entry(of, f"{name}-case", level=level)] if outcome == "killed" else []
    row = {"id": name, "clause": of, "level": level, "when": {"form": "uuid"}, "change": {"max_bytes": 4096}}
    row |= text(f"The mock commits {name}.", f"模拟服务出现 {name}。") | {"fuzz": False, "outcome": outcome}
    row |= {"reason": None, "own": any(one["clause"] == of for one in broken), "broken": broken}
    row |= {"others": sum(one["clause"] != of for one in broken), "one_cause": False}
    ran = outcome in {"killed", "survived"}
    row |= {"exit_code": {"killed": 1, "survived": 0}.get(outcome), "requests": 800 * ran, "seconds": 11.5 * ran}
    return row | {"controls": 130 * ran, "directory": None} | more


def variation(*ids, outcome="clean", freedom="UUID-LENGTH", **more):
    """A variation of a proof, a combination where there are several ids."""
    name = "+".join(ids)
    row = {"id": name, "ids": list(ids), "combination": len(ids) > 1, "freedom": freedom, "outcome": outcome}
    row |= text(f"The contract is silent; {name} uses it.", f"契约未作规定；{name} 利用了这一点。")
    row |= {"warned": [], "tolerated": [], "broken": [], "untestable": [], "reason": None}
    return row | {"exit_code": 0, "requests": 800, "seconds": 11.5, "directory": None} | more


def rule(name, kept=True, items=()):
    """A rule of the gate."""
    return {"id": name, "kept": kept, "items": list(items)} | text(f"Rule {name} holds.", f"规则 {name} 成立。")


def proof(verdict, clauses, faults, variations=(), gate=(), **more):
    """A whole record, its counts made from its rows."""
    exit_code = {"proven": 0, "not-proven": 1, "no-verdict": 2, "incomplete": 3}[verdict]
    executed = sum(row["outcome"] not in {"not_run", "equivalent"} for row in [*faults, *variations])
    whole = {"schema_version": "1.0", "kind": "prove", "verdict": verdict, "exit_code": exit_code, "complete": True}
    whole |= {
        "scope": "full",
        "planned": len(faults) + len(variations),
        "executed": executed,
        "requests": 800 * executed,
    }
    whole |= {"seconds": 754.2, "seed": 7, "jobs": 2, "started": "2026-07-02T08:30:11Z", "only": ""}
    whole |= {"case_set": CASE_SET, "versions": VERSIONS, "reason": None, "counts": counts(clauses, faults, variations)}
    return whole | {"gate": list(gate), "clauses": clauses, "faults": faults, "variations": list(variations)} | more


def counts(clauses, faults, variations):
    """The numbers of a record."""
    killed = {row["clause"] for row in faults if row["outcome"] == "killed"}
    levels = {}
    for level in ("MUST", "SHOULD"):
        rows = [row["id"] for row in clauses if row["level"] == level and not row["excluded"]]
        levels[level] = {"of": len(rows), "killed": sum(name in killed for name in rows)}
    kinds = {}
    for key, is_combination in (("variations", False), ("combinations", True)):
        found = Counter(row["outcome"] for row in variations if row["combination"] == is_combination)
        names = ("clean", "false_alarm", "failed", "not_run")
        kinds[key] = {"planned": found.total(), **{name: found[name] for name in names}}
    found = Counter(row["outcome"] for row in faults)
    names = ("killed", "survived", "equivalent", "failed", "not_run")
    of_faults = {"planned": len(faults), **{name: found[name] for name in names}}
    own = sum(row["own"] for row in faults if row["outcome"] == "killed")
    return {"faults": of_faults, "own_clause": own, "clauses": levels} | kinds


def proven():
    """A proof with nothing against the suite: two faults killed, one equivalent, one variation and one combination."""
    clauses = [clause("UUID-LENGTH", "long-uuid", "quiet"), clause("VERBOSE-VALUES", "odd-verbose", subject="verbose")]
    why = text("The mock sorts a list that is never sent.", "模拟服务只对一个从不返回的列表排序。")
    faults = [
        fault("long-uuid", "UUID-LENGTH"),
        fault("quiet", "UUID-LENGTH", "equivalent", reason=why),
        fault("odd-verbose", "VERBOSE-VALUES"),
    ]
    variations = [variation("extra-field"), variation("extra-field", "slow")]
    return proof("proven", clauses, faults, variations, [rule("every-must"), rule("no-alarm")])


def clauses_of_some():
    """The clauses of `some`, in two subjects and one that stands alone."""
    excluded = text("It takes effect in the SDK.", "只在 SDK 中生效。")
    return [
        clause("UUID-LENGTH", "long-uuid", "longer-uuid", "uuid-in-bytes"),
        clause("UUID-REQUIRED", "no-uuid", "late-uuid"),
        clause("UUID-CLIENT", excluded=excluded),
        clause("UUID-SILENT", level="OBSERVE"),
        clause("VERBOSE-VALUES", "odd-verbose", "deaf-verbose", subject="verbose", section="参数 verbose"),
        clause("VERBOSE-VALUES-REFUSED", "lax-verbose", level="SHOULD", subject="verbose"),
        clause("VERBOSE-DEFAULT", subject="verbose"),
        clause("REQUEST-ID", "no-request-id", "same-request-id", subject="request_id", section="返回值说明 request_id"),
        clause("TIME-USED", "late-time", "quiet-time", subject="time_used"),
    ]


def some():
    """A proof with some of everything: twelve faults, four variations and two combinations."""
    gone = text(
        "The run ended with exit code 2: no sound request got through.", "运行以退出码 2 结束：没有正确的请求通过。"
    )
    quiet = text("Nothing that is sent depends on it.", "返回内容与它无关。")
    wide = [entry("REQUEST-ID", "any-1", "any-2"), entry("UUID-LENGTH", "u-1"), entry("VERBOSE-VALUES", "v-0", "v-1")]
    elsewhere = [entry("UUID-REQUIRED", "uuid-gone", received="no error field")]
    warned = [entry("VERBOSE-VALUES-REFUSED", "verbose-9", level="SHOULD")]
    faults = [
        fault("long-uuid", "UUID-LENGTH"),
        fault("longer-uuid", "UUID-LENGTH", "survived", directory="runs/longer-uuid"),
        fault("uuid-in-bytes", "UUID-LENGTH", broken=elsewhere),
        fault("no-uuid", "UUID-REQUIRED"),
        fault("late-uuid", "UUID-REQUIRED", "not_run"),
        fault("odd-verbose", "VERBOSE-VALUES", fuzz=True),
        fault("deaf-verbose", "VERBOSE-VALUES", "failed", reason=gone, directory="runs/deaf-verbose", exit_code=2),
        fault("lax-verbose", "VERBOSE-VALUES-REFUSED", broken=warned, level="SHOULD", exit_code=0),
        fault("no-request-id", "REQUEST-ID", broken=wide, one_cause=True),
        fault("same-request-id", "REQUEST-ID"),
        fault("late-time", "TIME-USED", when={}),
        fault("quiet-time", "TIME-USED", "equivalent", reason=quiet),
    ]
    alarm = [entry("UUID-LENGTH", "uuid-128-bytes", received="refused")]
    variations = [
        variation("extra-field", warned=["VERBOSE-VALUES-REFUSED"], tolerated=["VERBOSE-VALUES-REFUSED"]),
        variation("slow", freedom="返回值说明 time_used", untestable=["TIME-USED"]),
        variation("upper-case", outcome="false_alarm", broken=alarm, exit_code=1, directory="runs/upper-case"),
        variation("other-order", outcome="not_run", exit_code=None, requests=0, seconds=0.0),
        variation("extra-field", "slow", freedom="UUID-LENGTH, 返回值说明 time_used"),
        variation("extra-field", "upper-case", outcome="false_alarm", warned=["TIME-USED"], exit_code=0),
    ]
    gate = [
        rule("every-must-killed", False, ["VERBOSE-DEFAULT"]),
        rule("no-survivor", False, ["longer-uuid"]),
        rule("no-false-alarm", False, ["upper-case", "extra-field+upper-case"]),
        rule("one-seed"),
    ]
    return proof("not-proven", clauses_of_some(), faults, variations, gate)


def early():
    """The record as it stands before the first run."""
    whole = proven()
    rows = [{**row, "outcome": "not_run", "broken": [], "own": False} for row in whole["faults"]]
    variations = [{**row, "outcome": "not_run", "exit_code": None} for row in whole["variations"]]
    return proof("incomplete", whole["clauses"], rows, variations, complete=False, seconds=0.0, started=None)


def unsound():
    """A proof that could not begin."""
    why = text("The mock did not start.", "模拟服务没有启动。")
    return early() | {"verdict": "no-verdict", "exit_code": 2, "complete": True, "reason": why}


def partial():
    """A proof of one fault only."""
    whole = proven()
    return whole | {"scope": "partial", "only": "long-uuid"}


def hostile():
    """A proof in which every id and every text holds whatever could break out."""
    why = text(HOSTILE, HOSTILE)
    told = [entry(HOSTILE, HOSTILE, received=HOSTILE), entry("elsewhere " + HOSTILE, HOSTILE, received=HOSTILE)]
    clauses = [clause(HOSTILE, HOSTILE, subject=HOSTILE, section=HOSTILE), clause("B", excluded=why, subject=HOSTILE)]
    more = {"reason": why, "directory": HOSTILE, "when": {HOSTILE: HOSTILE}, "change": {HOSTILE: HOSTILE}, **why}
    faults = [
        fault(HOSTILE, HOSTILE, broken=told, **more),
        fault("1" + HOSTILE, HOSTILE, "survived", **more),
        fault("2" + HOSTILE, "C" + HOSTILE, "equivalent", **more),
    ]
    bad = {"broken": told, "warned": [HOSTILE], "tolerated": [], "untestable": [HOSTILE], "freedom": HOSTILE}
    variations = [variation("v" + HOSTILE, outcome="false_alarm", reason=why, directory=HOSTILE, **bad, **why)]
    gate = [rule(HOSTILE, False, [HOSTILE, "v" + HOSTILE])]
    odd = {"only": HOSTILE, "scope": "partial", "case_set": HOSTILE, "versions": {HOSTILE: HOSTILE}, "reason": why}
    return proof("not-proven", clauses, faults, variations, gate, **odd)


def large():
    """A proof over all the real clauses, with some 250 faults."""
    source = (Path(__file__).parents[1] / "openapi" / "clauses.yaml").read_text("utf-8")
    rows = [row for row in yaml.load(source, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if row["side"] != "client"]
    clauses, faults = [], []
    statuses = [row["id"] for row in rows if row["id"].endswith("-STATUS") and not row.get("excluded")]
    for number, row in enumerate(rows):
        names = [] if row.get("excluded") or row["level"] == "OBSERVE" else _names(row, number)
        said = {key: row[key] for key in ("subject", "section", "level")}
        made = clause(row["id"], *names, excluded=row.get("excluded"), **said)
        clauses.append(made | {"en": row["en"], "zh": row["zh"]})
        faults += [_one(name, row, len(faults) + place, statuses) for place, name in enumerate(names)]
    variations = [variation(f"freedom-{number}", freedom=clauses[number]["id"]) for number in range(40)]
    variations += [variation(f"freedom-{number}", f"freedom-{number + 7}") for number in range(20)]
    alarm = [entry("UUID-LENGTH", "uuid-128-bytes", received="refused")]
    variations[11] = variation("freedom-11", outcome="false_alarm", broken=alarm, directory="runs/freedom-11")
    gate = [
        rule("every-must-killed"),
        rule("no-survivor", False, [row["id"] for row in faults if row["outcome"] == "survived"]),
        rule("no-false-alarm", False, ["freedom-11"]),
        rule("own-clause-named"),
        rule("cases-unchanged"),
    ]
    return proof("not-proven", clauses, faults, variations, gate)


def _names(row, number):
    return [
        f"{verb}-{row['id'].lower()}" for verb in ("skip", "loosen", "misname")[: 1 + number % 2 + (number % 11 == 0)]
    ]


def _one(name, row, number, statuses):
    of = row["id"]
    said = text(
        f"The mock no longer keeps the rule of {row['subject']}.", f"模拟服务不再遵守 {row['subject']} 的规则。"
    )
    more = {"level": row["level"], "directory": f"runs/{name}", **said}
    if number in {17, 101}:
        return fault(name, of, "survived", **more)
    if number == 140:
        return fault(name, of, "failed", reason=text("The mock ended.", "模拟服务意外退出。"), **more)
    if number % 41 == 3:
        return fault(name, of, "equivalent", reason=text("No reply depends on it.", "返回内容与它无关。"), **more)
    broken = [entry(of, f"{of.lower()}-1", f"{of.lower()}-2", level=row["level"])]
    if number % 60 == 8:
        broken += [entry(status, f"{status.lower()}-1", received="status 200") for status in statuses if status != of]
    elif number % 9 == 4:
        broken.append(entry("REQUEST-ID-ON-ERROR", "any-error", received="no request_id"))
    return fault(name, of, broken=broken if number % 29 != 11 else [entry("UUID-LENGTH", "uuid-1")], **more)


def write(directory, record):
    """Write a proof as its engine does."""
    directory.mkdir(parents=True, exist_ok=True)
    write_result(directory, record)
    return directory


SAMPLES = [proven(), some(), early(), unsound(), partial(), hostile(), large()]


def test_schema_is_itself_valid():
    """The published schema is a schema of draft 2020-12."""
    Draft202012Validator.check_schema(schema("prove"))


def test_every_key_is_described():
    """Each property says what it is, so that the schema can be read instead of our source."""
    known = schema("prove")["$defs"]

    def undescribed(node, path):
        if isinstance(node, dict):
            for name, inner in node.get("properties", {}).items():
                referred = known.get(inner.get("$ref", "").rpartition("/")[2], {})
                if "description" not in inner and "description" not in referred:
                    yield f"{path}/{name}"
            for name, inner in node.items():
                yield from undescribed(inner, f"{path}/{name}")

    assert list(undescribed(schema("prove"), "")) == []


@pytest.mark.parametrize("whole", SAMPLES)
def test_sample_keeps_the_schema(whole):
    """The samples are records as the published schema describes them, whatever their texts hold."""
    assert problems(json.loads(json.dumps(whole))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "conformant"),
        (("exit_code",), 4),
        (("case_set",), None),
        (("counts", "faults", "killed"), -1),
        (("counts", "clauses", "MUST"), None),
        (("faults", 0, "outcome"), "clean"),
        (("faults", 0, "broken"), [{"clause": "A"}]),
        (("variations", 0, "outcome"), "killed"),
        (("gate", 0, "kept"), "yes"),
        (("clauses", 0, "excluded"), {"en": "no Chinese"}),
        (("schema_version",), "2.0"),
    ],
)
def test_schema_refuses_what_is_not_a_proof(path, value):
    """A slip of the writer is found by the schema of proofs, not by that of checks."""
    whole = copy.deepcopy(some())
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert problems(whole)


@pytest.mark.parametrize("place", ["", "counts", "faults", "variations", "gate", "clauses"])
def test_no_key_may_be_left_out(place):
    """What a report looks at is required, so that a record which is read can be shown."""
    whole = some()
    node = whole if not place else whole[place] if isinstance(whole[place], dict) else whole[place][0]
    for key in list(node):
        if key in {"kind", "controls"}:  # another kind has another schema; records of before had no number of controls
            continue
        kept = node.pop(key)
        assert problems(whole), key
        node[key] = kept
