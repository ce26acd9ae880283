"""`junit.xml` for Jenkins, GitLab and their like: a test case is a case, its class the clause."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from biztoken.model import Json
from biztoken.reporting.curl import curl
from biztoken.reporting.printable import one_line, printable
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import is_broken, is_judged, verdict_sentence
from biztoken.reporting.texts import in_language, say

# XML 1.0 has no place for these, not even escaped; printable() has already shown the ones below U+0020.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SKIPPED = {"UNTESTABLE", "NOT_RUN", "NOT_APPLICABLE"}


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    clause: str
    verdict: str
    seconds: float
    message: str
    text: str


def junit_xml(run: Run, lang: str) -> str:
    """The run as one test suite, messages in `lang`.

    FAIL is a failure, HARNESS an error; UNTESTABLE, NOT_RUN and NOT_APPLICABLE are skipped; WARN passes
    unless the run was strict. Every broken clause has a red test case, if need be one of its own name.
    """
    result = run.result
    rows = [*_cases(run, lang), *_clauses(run, lang)]
    name = f"biztoken {result['kind']}"
    totals = {
        "tests": str(len(rows)),
        "failures": str(sum(_outcome(result, row) == "failure" for row in rows)),
        "errors": str(sum(_outcome(result, row) == "error" for row in rows)),
        "skipped": str(sum(_outcome(result, row) == "skipped" for row in rows)),
        "time": f"{result['seconds']:.3f}",
    }
    root = ET.Element("testsuites", {"name": name, **totals})
    when = {"timestamp": result["started"].rstrip("Z")[:19]} if result["started"] else {}
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals, **when})
    _properties(suite, result, lang)
    for row in rows:
        _testcase(suite, row, _outcome(result, row))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _properties(suite: ET.Element, result: Json, lang: str) -> None:
    facts = {
        "verdict": verdict_sentence(result, lang),
        "target": result["target"].get("url", ""),
        "seed": result["seed"],
        "plan": result["plan"],
        "scope": result["scope"],
        "complete": str(result["complete"]).lower(),
        **{f"version.{name}": version for name, version in result["versions"].items()},
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": _safe(name), "value": _safe(value)})


def _testcase(suite: ET.Element, row: _Row, outcome: str) -> None:
    attributes = {"name": _safe(row.name), "classname": _safe(row.clause), "time": f"{row.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", attributes)
    message = _safe(one_line(row.message))
    if outcome == "skipped":
        ET.SubElement(element, "skipped", {"message": message})
    elif outcome != "passed":
        inner = ET.SubElement(element, outcome, {"message": message, "type": row.verdict})
        inner.text = _safe(row.text)
    elif row.text:
        ET.SubElement(element, "system-out").text = _safe(row.text)


def _outcome(result: Json, row: _Row) -> str:
    if is_broken(result, {"verdict": row.verdict}):
        return "failure"
    if row.verdict == "HARNESS":
        return "error"
    return "skipped" if row.verdict in _SKIPPED else "passed"


def _cases(run: Run, lang: str) -> Iterator[_Row]:
    findings: dict[str, list[tuple[Json, Json]]] = defaultdict(list)
    for clause in run.result["clauses"]:
        for finding in clause["findings"]:
            findings[finding["case"]].append((clause, finding))
    for case in run.result["cases"]:
        told = findings[case["id"]]
        own = [pair for pair in told if pair[0]["id"] == case["clause"]] or told
        shown = own if case["verdict"] in {"FAIL", "WARN"} else []
        yield _row(run, case, case["clause"], shown, lang)


def _clauses(run: Run, lang: str) -> Iterator[_Row]:
    """Test cases for clauses that no case was written for, and for broken ones whose own cases are all green."""
    verdicts: dict[str, set[str]] = defaultdict(set)
    for case in run.result["cases"]:
        verdicts[case["clause"]].add(case["verdict"])
    for clause in run.result["clauses"]:
        is_red = clause["verdict"] in {"FAIL", "WARN", "HARNESS"}
        is_told = bool(verdicts[clause["id"]]) and (not is_red or clause["verdict"] in verdicts[clause["id"]])
        if is_judged(run.result, clause) and not is_told:
            pairs = [(clause, finding) for finding in clause["findings"]]
            yield _row(run, clause, clause["id"], pairs, lang)


def _row(run: Run, source: Json, clause: str, pairs: list[tuple[Json, Json]], lang: str) -> _Row:
    reason = in_language(source["reason"], lang)
    message = in_language(pairs[0][1]["received"], lang) if pairs else reason
    texts = [_finding_text(run, rule, finding, lang) for rule, finding in pairs] or [
        reason,
        *(in_language(text, lang) for text in source.get("observations", ())),
    ]
    return _Row(
        source["id"],
        clause,
        source["verdict"],
        float(source.get("seconds") or 0),
        message or say(f"verdict.{source['verdict']}", lang),
        "\n\n".join(text for text in texts if text),
    )


def _finding_text(run: Run, clause: Json, finding: Json, lang: str) -> str:
    lines = [say("list.label", lang, name=clause["id"], text=clause[lang])]
    for key in ("expected", "received", "difference"):
        text = in_language(finding[key], lang)
        if text:
            lines.append(say("list.label", lang, name=say(f"finding.{key}", lang), text=text))
    record = run.exchange(finding["exchanges"][-1]) if finding["exchanges"] else None
    return "\n".join(lines + ([curl(record)] if record else []))


def _safe(text: object) -> str:
    return _NOT_XML.sub("�", printable(text))
