"""result.json is written whole, read strictly, and told in one sentence."""

import copy
import json
import os

import pytest
from jsonschema import Draft202012Validator
from test_reporting_sample import (
    broken,
    case,
    clause,
    conformant,
    killed,
    no_key,
    one_cause,
    result,
    untestable,
    warned,
)

from biztoken.errors import UserError
from biztoken.reporting import verdict_sentence, write_result
from biztoken.reporting.result import problems, read_result, schema


def test_schema_is_itself_valid():
    """The published schema is a schema of draft 2020-12."""
    Draft202012Validator.check_schema(schema())


def test_every_key_is_described():
    """Each property says what it is, so that the schema can be read instead of our source."""

    def undescribed(node, path):
        if isinstance(node, dict):
            for name, inner in node.get("properties", {}).items():
                referred = schema()["$defs"].get(inner.get("$ref", "").rpartition("/")[2], {})
                if "description" not in inner and "description" not in referred and "const" not in inner:
                    yield f"{path}/{name}"
            for name, inner in node.items():
                yield from undescribed(inner, f"{path}/{name}")

    assert list(undescribed({key: node for key, node in schema().items() if key != "allOf"}, "")) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "green"),
        (("exit_code",), 4),
        (("clauses", 0, "verdict"), "OK"),
        (("clauses", 0, "level"), "MAY"),
        (("clauses", 0, "findings"), None),
        (("cases", 0, "exchanges"), "1"),
        (("schema_version",), "2.0"),
        (("notes",), [{"en": "no Chinese"}]),
    ],
)
def test_schema_refuses_what_is_not_a_result(path, value):
    """A slip of the writer is found by the schema."""
    whole = copy.deepcopy(broken())
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert problems(whole)


@pytest.mark.parametrize("kind", ["drill", "lint"])
def test_other_kinds_share_the_top(kind):
    """A run of another verb needs no clauses and no cases."""
    whole = {key: value for key, value in conformant().items() if key not in {"clauses", "cases", "causes", "notes"}}

    assert problems(whole | {"kind": kind, "latency_ms": {"p99": 41}}) == []
    assert problems(whole) != []


def test_result_is_replaced_in_one_step(tmp_path, monkeypatch):
    """A writer that dies leaves the old record whole and no litter."""
    write_result(tmp_path, conformant())
    before = (tmp_path / "result.json").read_bytes()

    def dies(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(OSError, match="No space"):
        write_result(tmp_path, broken())

    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_bytes() == before


def test_written_result_reads_back(tmp_path):
    """What was written is what is read, unknown keys included."""
    write_result(tmp_path, conformant() | {"later": {"key": 1}})

    assert read_result(tmp_path) == conformant() | {"later": {"key": 1}}


def test_result_of_an_older_version_is_filled_in(tmp_path):
    """Keys that did not exist yet read as empty."""
    old = {"schema_version": "1.0", "kind": "check", "verdict": "conformant", "exit_code": 0, "complete": True}
    write_result(tmp_path, old | {"clauses": [{"id": "A", "level": "MUST", "en": "a", "zh": "a", "verdict": "PASS"}]})

    assert read_result(tmp_path)["clauses"][0]["findings"] == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (None, "holds no result.json"),
        ("{", "cannot be read"),
        ("[]", "no schema_version"),
        ("{}", "no schema_version"),
        ('{"schema_version": 1}', "no schema_version"),
        ('{"schema_version": "2.0"}', "newer biztoken"),
        ('{"schema_version": "1.0", "clauses": 3}', "is not as the schema says"),
        ('{"schema_version": "1.0", "verdict": "conformant", "clauses": [3]}', "is not as the schema says"),
    ],
)
def test_what_is_no_run_is_refused_with_a_hint(tmp_path, text, hint):
    """Each wrong directory is told in one sentence."""
    if text is not None:
        (tmp_path / "result.json").write_text(text, "utf-8")

    with pytest.raises(UserError, match=hint):
        read_result(tmp_path)


def test_binary_file_is_refused(tmp_path):
    """A result.json that is not even text is the user's to restore."""
    (tmp_path / "result.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UserError, match="cannot be read"):
        read_result(tmp_path)


def numbers(passed, missing):
    """A conformant result with so many MUST clauses."""
    told = {"verdict": "UNTESTABLE", "reason": no_key("denied")}
    clauses = [clause(f"P{index}") for index in range(passed)] + [
        clause(f"U{index}", **told) for index in range(missing)
    ]
    return result(clauses=clauses, cases=[case("x", "P0")])


@pytest.mark.parametrize(
    ("whole", "english", "chinese"),
    [
        (conformant(), "conformant in all 2 MUST clauses", "符合契约：2 条 MUST 条款全部通过"),
        (
            numbers(61, 37),
            "conformant in 61 of 98 MUST clauses, 37 untestable",
            "已测部分符合契约：98 条 MUST 条款中 61 条通过，37 条无法测试",
        ),
        (
            untestable() | {"scope": "partial", "plan": "quick", "options": {"select": "API"}},
            "conformant in 1 of 3 MUST clauses, 2 untestable (partial run: plan quick, only API)",
            "已测部分符合契约：3 条 MUST 条款中 1 条通过，2 条无法测试（仅部分范围：计划 quick、只选 API）",
        ),
        (
            broken(),
            "not conformant: 1 MUST clause broken (UUID-LENGTH)",
            "不符合契约：违反 1 条 MUST 条款（UUID-LENGTH）",
        ),
        (
            one_cause(),
            "not conformant: 7 MUST clauses broken (UUID-LENGTH, ROW-0-STATUS, ROW-1-STATUS, ROW-2-STATUS, "
            "ROW-3-STATUS and 2 more)",
            "不符合契约：违反 7 条 MUST 条款（UUID-LENGTH、ROW-0-STATUS、ROW-1-STATUS、ROW-2-STATUS、"
            "ROW-3-STATUS，另有 2 条）",
        ),
        (
            warned(strict=False),
            "conformant in the one MUST clause; 1 SHOULD clause broken",
            "符合契约：1 条 MUST 条款全部通过；另有 1 条 SHOULD 条款被违反（警告）",
        ),
        (
            warned(strict=True),
            "not conformant: 1 SHOULD clause broken in a strict run (VERBOSE-VALUES-REFUSED)",
            "不符合契约：严格模式下违反 1 条 SHOULD 条款（VERBOSE-VALUES-REFUSED）",
        ),
        (
            result("no-verdict", reason={"en": "No control got 200.", "zh": "没有任何对照请求得到 200。"}),
            "no verdict: No control got 200",
            "无法得出结论：没有任何对照请求得到 200",
        ),
        (
            result("incomplete", planned=300, executed=41, complete=False),
            "incomplete: 41 of 300 cases ran",
            "运行不完整：300 个用例执行了 41 个",
        ),
        (
            broken() | {"complete": False, "planned": 300, "executed": 41},
            "not conformant: 1 MUST clause broken (UUID-LENGTH); stopped after 41 of 300 cases",
            "不符合契约：违反 1 条 MUST 条款（UUID-LENGTH）；运行中断，300 个用例只执行了 41 个",
        ),
    ],
)
def test_verdict_in_one_sentence(whole, english, chinese):
    """The sentence says the verdict and on how much of the contract it stands."""
    assert verdict_sentence(whole, "en") == english
    assert verdict_sentence(whole, "zh") == chinese


def test_clauses_that_cannot_be_seen_are_not_counted():
    """Excluded clauses, the client's and those that do not apply are no part of the number."""
    why = {"en": "later", "zh": "以后"}
    hidden = [
        clause("E", "NOT_APPLICABLE", excluded=why),
        clause("C", "NOT_RUN", side="client"),
        clause("N", "NOT_APPLICABLE"),
    ]

    assert verdict_sentence(result(clauses=[clause("A"), *hidden]), "en") == "conformant in the one MUST clause"


def test_killed_run_is_told_as_incomplete(tmp_path):
    """The record from before the first request never sounds like a pass."""
    whole = json.loads((killed(tmp_path) / "result.json").read_text("utf-8"))

    assert verdict_sentence(whole, "en") == "incomplete: 0 of 4 cases ran"
