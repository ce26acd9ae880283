"""junit.xml tells Jenkins and GitLab the same as the page tells people."""

from xml.etree import ElementTree as ET

import pytest
from test_reporting_sample import (
    HOSTILE,
    broken,
    broken_exchanges,
    case,
    clause,
    conformant,
    finding,
    hostile,
    killed,
    one_cause,
    result,
    untestable,
    warned,
    write,
)

from biztoken.reporting import render

# What the schema that Jenkins and GitLab read allows: attributes by element, and the elements within.
ALLOWED = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}


@pytest.fixture
def suite(tmp_path):
    """Render a result and parse its junit.xml."""

    def make(whole, exchanges=(), lang="en"):
        render(write(tmp_path, whole, exchanges), lang)
        return ET.parse(tmp_path / "junit.xml").getroot()

    return make


def outcomes(root):
    """What each test case ended as, by name."""
    cases = {}
    for element in root.iter("testcase"):
        inner = [child.tag for child in element if child.tag != "system-out"]
        cases[element.get("name")] = inner[0] if inner else "passed"
    return cases


def check_structure(element):
    """Fail unless the element and all within it are as the schema allows, and the totals are true."""
    attributes, children = ALLOWED[element.tag]
    assert set(element.keys()) <= attributes
    assert {child.tag for child in element} <= children
    for child in element:
        check_structure(child)
    if element.tag == "testsuite":
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.get(name)) == len(list(element.iter(tag)))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "whole", [conformant(), broken(), one_cause(), untestable(), warned(strict=True), hostile()[0]]
)
def test_structure_is_the_common_one(suite, whole, lang):
    """Only elements and attributes that Jenkins and GitLab know, and true totals."""
    check_structure(suite(whole, broken_exchanges(), lang))


def test_test_case_is_a_case_and_class_is_its_clause(suite):
    """The name is the id of the case, the class name that of the clause."""
    (row,) = suite(broken(), broken_exchanges()).findall(".//testcase[@name='uuid-129-bytes']")

    assert row.get("classname") == "UUID-LENGTH"
    assert row.find("failure").get("message") == "200 with a biz_token"
    assert "What UUID-LENGTH says." in row.find("failure").text
    assert "uuid is 129 bytes of UTF-8 instead of 12" in row.find("failure").text
    assert "curl -sS" in row.find("failure").text


def test_verdicts_become_outcomes(suite):
    """FAIL fails, HARNESS errs, what was not tested is skipped, WARN and OBSERVED pass."""
    verdicts = ["FAIL", "WARN", "HARNESS", "NOT_RUN", "UNTESTABLE", "PASS", "OBSERVED", "NOT_APPLICABLE"]
    why = {"en": "Why.", "zh": "原因。"}
    clauses = [clause(f"C-{verdict}", verdict, reason=why) for verdict in verdicts]
    root = suite(result("not-conformant", clauses, [case(name, f"C-{name}", name, reason=why) for name in verdicts]))

    assert outcomes(root) == {
        "FAIL": "failure",
        "WARN": "passed",
        "HARNESS": "error",
        "NOT_RUN": "skipped",
        "UNTESTABLE": "skipped",
        "PASS": "passed",
        "OBSERVED": "passed",
        "NOT_APPLICABLE": "skipped",
    }
    assert root.find(".//testcase[@name='UNTESTABLE']/skipped").get("message") == "Why."


@pytest.mark.parametrize(("strict", "outcome"), [(False, "passed"), (True, "failure")])
def test_warning_fails_only_a_strict_run(suite, strict, outcome):
    """A broken SHOULD is green unless --strict."""
    assert outcomes(suite(warned(strict=strict)))["verbose-9"] == outcome


def test_finding_charged_elsewhere_is_red_somewhere(suite):
    """A clause that has no case of its own gets a test case of its name."""
    clauses = [clause("UUID-LENGTH"), clause("REQUEST-ID-ON-ERROR", "FAIL", findings=[finding(1, "uuid-129-bytes")])]
    root = suite(result("not-conformant", clauses, [case("uuid-129-bytes", "UUID-LENGTH")]), broken_exchanges())

    assert outcomes(root) == {"uuid-129-bytes": "passed", "REQUEST-ID-ON-ERROR": "failure"}


def test_broken_clause_whose_own_cases_pass_is_red(suite):
    """Green cases of a broken clause do not hide it."""
    clauses = [clause("A", "FAIL", findings=[finding(1, "b-1")]), clause("B")]
    root = suite(result("not-conformant", clauses, [case("a-1", "A"), case("b-1", "B")]))

    assert outcomes(root)["A"] == "failure"


def test_clauses_that_are_not_judged_are_left_out(suite):
    """Excluded clauses and the client's make no noise in CI."""
    clauses = [clause("A", excluded={"en": "x", "zh": "x"}), clause("B", "NOT_RUN", side="client"), clause("C")]

    assert outcomes(suite(result(clauses=clauses))) == {"C": "passed"}


def test_killed_run_skips_what_did_not_run(tmp_path):
    """The planned cases are all there: failed, passed or skipped."""
    render(killed(tmp_path), "en")

    assert outcomes(ET.parse(tmp_path / "junit.xml").getroot()) == {
        "uuid-129-bytes": "failure",
        "verbose-0": "passed",
        "verbose-1": "skipped",
        "biz-no": "skipped",
    }


def test_hostile_text_is_safe_xml(suite):
    """Control characters are made visible; the text is otherwise as it came."""
    root = suite(*hostile())
    (failure,) = root.iter("failure")

    assert "<script>alert(1)</script>" in failure.text
    assert "␛[31m" in failure.text
    assert HOSTILE[:25] in root.find(".//testcase").get("name")
