"""Each sentence of clauses.yaml is whole, stands in both languages, and is looked at by something."""

import re
from pathlib import Path

import pytest
import yaml

from biztoken import contract as contracts
from biztoken.cases import load_cases
from biztoken.model import Level

CONTRACT = contracts.load()
ROWS = yaml.safe_load((contracts.bundled("openapi") / "clauses.yaml").read_text("utf-8"))
PARAMETERS = [pytest.param(parameter, id=parameter.name) for parameter in CONTRACT.parameters.values()]
SOURCE = Path(contracts.__file__).parent
KEYS = {"id", "level", "side", "subject", "rule", "section", "en", "zh"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Headings of the vendor's page; 鉴权说明 is the page on App authentication.
SECTIONS = {"描述", "调用URL", "调用方法", "权限", "参数", "返回值说明", "返回值示例", "错误码列表", "鉴权说明"}
REPLY_FIELDS = {"request_id", "time_used", "biz_token", "error", "faces"}
REASONS = {reason for row in CONTRACT.errors.values() for reason in row.reasons}


def each(rows):
    """The rows as parameters of a test, by id."""
    return [pytest.param(row, id=row["id"]) for row in rows]


def rules_of(parameter):
    """What the contract's data says about a parameter, as rules that need a clause."""
    yield from ("optional",) if parameter.required_when is None else ("required", "empty")
    if parameter.values:
        yield "values"
    if parameter.is_number:
        yield from ("range", "number")
    if parameter.length is not None or parameter.max_bytes is not None:
        yield "length"
    if parameter.picture:
        yield from ("format", "decodable", "size", "face")


def literals(*paths):
    """The ids of clauses that stand as texts in some modules."""
    text = "\n".join(path.read_text("utf-8") for path in paths)
    return set(re.findall(r'"([A-Z][A-Z0-9-]+)"', text)) & set(CONTRACT.clauses)


def built_by_the_judge():
    """The ids that judge.py and envelope.py make of the error table and of the fields of a reply."""
    for row in CONTRACT.errors.values():
        yield from (CONTRACT.clause_id(row.name, rule) for rule in ("name", "status", "detail"))
        yield from (reason.replace("_", "-") for reason in row.reasons)
    yield "REQUEST-ENTITY-TOO-LARGE-BODY"
    for field in ("REQUEST-ID", "TIME-USED"):
        yield from (f"{field}-PRESENCE", f"{field}-ON-ERROR")
    yield from ("FACES-LOW-QUALITY", "FACES-MULTIPLE-FACES")


CASES = load_cases(CONTRACT)
SEQUENCES = literals(*contracts.bundled("conformance").glob("test_*.py"))
OBSERVING = {case.clause for case in CASES if case.expected.kind == "observe"}
RUN = literals(*(SOURCE / f"{name}.py" for name in ("controls", "ledger", "runner")))
JUDGE = literals(*(SOURCE / f"{name}.py" for name in ("envelope", "judge")))
OBSERVED = SEQUENCES | RUN | OBSERVING
LOOKED_AT = SEQUENCES | JUDGE | RUN | {case.clause for case in CASES}
LOOKED_AT |= set(built_by_the_judge())


def test_ids_are_unique():
    """No row hides another one of the same id."""
    ids = [row["id"] for row in ROWS]

    assert len(ids) == len(set(ids)) == len(CONTRACT.clauses)


@pytest.mark.parametrize("row", each(ROWS))
def test_row_is_whole(row):
    """Every key is there and filled, no other is, and levels, sides, subjects and sections are known ones."""
    kind, _, name = row["section"].partition(" ")
    subjects = {"transport", *CONTRACT.parameters, *CONTRACT.errors, *REASONS, *REPLY_FIELDS}

    assert set(row) - {"excluded"} == KEYS
    assert all(isinstance(row[key], str) and row[key].strip() == row[key] != "" for key in KEYS)
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", row["id"])
    assert row["level"] in list(Level)
    assert row["side"] in ("server", "client", "both")
    assert row["subject"] in subjects
    assert kind in SECTIONS | {"错误码"}
    assert name in {"参数": {"", *CONTRACT.parameters}, "错误码": {"413", *CONTRACT.errors}}.get(kind, {""})


@pytest.mark.parametrize("row", each(ROWS))
def test_row_speaks_both_languages(row):
    """The English sentence has no Chinese character, the Chinese one has some, and so has each exclusion."""
    for texts in (row, row.get("excluded") or row):
        assert not CHINESE.search(texts["en"])
        assert CHINESE.search(texts["zh"])
        assert re.search(r"[.]$", texts["en"])
        assert re.search(r"[。]$", texts["zh"])


@pytest.mark.parametrize("row", each(row for row in ROWS if "excluded" in row))
def test_exclusion_gives_its_reason_and_has_no_case(row):
    """What cannot be seen from outside says why in both languages, and nothing looks at it."""
    assert set(row["excluded"]) == {"en", "zh"}
    assert not CONTRACT.clauses[row["id"]].is_judged
    assert row["id"] not in LOOKED_AT


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_rule_of_a_parameter_has_a_clause(parameter):
    """What the data rules about a parameter is said by a row about that parameter, found by `clause_id`."""
    for rule in rules_of(parameter):
        clause = CONTRACT.clauses[CONTRACT.clause_id(parameter.name, rule)]
        assert clause.subject == parameter.name
        assert clause.is_judged


@pytest.mark.parametrize("parameter", [param for param in PARAMETERS if param.values[0].default is not None])
def test_every_default_has_a_clause(parameter):
    """A default is said by a row of its own, be it excluded; that of return_faces shows in the reply."""
    clause = {"return_faces": "FACES-ABSENT"}.get(parameter.name, CONTRACT.clause_id(parameter.name, "default"))

    assert CONTRACT.clauses[clause].rule == "default"


@pytest.mark.parametrize("name", CONTRACT.errors)
def test_every_error_has_a_clause_for_its_status(name):
    """Each row of the error table has clauses for its name and its status, INTERNAL_ERROR one for both."""
    due = {"INTERNAL-ERROR"} if name == "INTERNAL_ERROR" else {CONTRACT.clause_id(name, r) for r in ("name", "status")}

    assert due <= set(CONTRACT.clauses)
    assert {CONTRACT.clauses[id_].subject for id_ in due} == {name}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_a_clause(reason):
    """Each reason of AUTHORIZATION_ERROR is said by a row of its own."""
    assert CONTRACT.clauses[reason.replace("_", "-")].subject == reason


@pytest.mark.parametrize("row", each(row for row in ROWS if row["rule"] == "range"))
def test_sentence_of_a_range_tells_its_bounds(row):
    """A sentence about a range takes both bounds in both languages from the data, so it cannot fall behind."""
    parameter, clause = CONTRACT.parameters[row["subject"]], CONTRACT.clauses[row["id"]]

    assert "{minimum}" in row["en"]
    assert "{maximum}" in row["zh"]
    for text in (clause.en, clause.zh):
        assert {str(parameter.minimum), str(parameter.maximum)} <= set(re.findall(r"\d+", text))


JUDGED = [row for row in ROWS if row["level"] != "OBSERVE" and CONTRACT.clauses[row["id"]].is_judged]


@pytest.mark.parametrize("row", each(JUDGED))
def test_judged_clause_is_looked_at(row):
    """A MUST or SHOULD that an endpoint can break is the clause of a case, or one that every reply is held to."""
    assert row["id"] in LOOKED_AT


@pytest.mark.parametrize("row", each(row for row in ROWS if row["level"] == "OBSERVE" and row["side"] != "client"))
def test_observed_clause_is_looked_at(row):
    """What the contract leaves open is recorded by some case (docs/decisions.md: what the target does is recorded)."""
    assert row["id"] in OBSERVED
