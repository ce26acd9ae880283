"""`junit.xml` for Jenkins, GitLab and their like: a test case is a case, its class the clause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from biztoken.model import Json
from biztoken.reporting.certificate import certified
from biztoken.reporting.curl import curl
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import is_broken, is_judged, verdict_sentence
from biztoken.reporting.testcases import TestCase, document
from biztoken.reporting.texts import in_language, say
from biztoken.reporting.waived import Waived, waived_cases, waivers

_SKIPPED = {"UNTESTABLE", "NOT_RUN", "NOT_APPLICABLE"}


def junit_xml(run: Run, lang: str) -> str:
    """The run as one test suite, messages in `lang`.

    FAIL is a failure, HARNESS an error; UNTESTABLE, NOT_RUN and NOT_APPLICABLE are skipped; WARN passes
    unless the run was strict. Every broken clause has a red test case, if need be one of its own name, and so has
    every stale waiver. What is waived passes, with the waiver in its text and, since CI servers know no properties
    of a test case, as a property of the suite.
    """
    result = run.result
    rows = [*_cases(run, lang), *clause_cases(run, lang), *_stale(result, lang)]
    return document(f"biztoken {result['kind']}", result["seconds"], result["started"], _facts(result, lang), rows)


def _facts(result: Json, lang: str) -> dict[str, object]:
    return {
        "verdict": verdict_sentence(result, lang),
        "target": result["target"].get("url", ""),
        "seed": result["seed"],
        "plan": result["plan"],
        "scope": result["scope"],
        "complete": str(result["complete"]).lower(),
        **{f"version.{name}": version for name, version in result["versions"].items()},
        **{f"waiver.{waiver.row['id']}": _told(waiver, lang) for waiver in waivers(result)},
        **{f"waived.{clause['id']}": _ids(clause) for clause in result["clauses"] if clause["verdict"] == "WAIVED"},
        **certified(result, lang),
    }


def _outcome(result: Json, verdict: str) -> str:
    if is_broken(result, {"verdict": verdict}):
        return "failure"
    if verdict == "HARNESS":
        return "error"
    return "skipped" if verdict in _SKIPPED else "passed"


def _cases(run: Run, lang: str) -> Iterator[TestCase]:
    waived = waived_cases(run.result)
    findings: dict[str, list[tuple[Json, Json]]] = defaultdict(list)
    for clause in run.result["clauses"]:
        for finding in clause["findings"]:
            findings[finding["case"]].append((clause, finding))
    for case in run.result["cases"]:
        told = findings[case["id"]]
        own = [pair for pair in told if pair[0]["id"] == case["clause"]] or told
        shown = own if case["verdict"] in {"FAIL", "WARN"} else []
        verdict = "WAIVED" if case["id"] in waived else case["verdict"]
        yield _row(run, {**case, "verdict": verdict, "waived": waived.get(case["id"])}, case["clause"], shown, lang)


def clause_cases(run: Run, lang: str) -> Iterator[TestCase]:
    """Test cases for clauses that no case was written for, and for broken ones whose own cases are all green."""
    waived = waived_cases(run.result)
    verdicts: dict[str, set[str]] = defaultdict(set)
    for case in run.result["cases"]:
        verdicts[case["clause"]].add("WAIVED" if case["id"] in waived else case["verdict"])
    for clause in run.result["clauses"]:
        is_red = clause["verdict"] in {"FAIL", "WARN", "WAIVED", "HARNESS"}
        is_told = bool(verdicts[clause["id"]]) and (not is_red or clause["verdict"] in verdicts[clause["id"]])
        if is_judged(run.result, clause) and not is_told:
            pairs = [(clause, finding) for finding in clause["findings"]]
            yield _row(run, clause, clause["id"], pairs, lang)


def _stale(result: Json, lang: str) -> Iterator[TestCase]:
    """Test cases for waivers that turn the run red."""
    for waiver in waivers(result):
        if waiver.is_stale:
            message, told = say("waivers.stale_one", lang), _told(waiver, lang)
            yield TestCase(waiver.row["id"], waiver.name, "failure", "STALE", 0.0, message, f"{message}\n{told}")


def _told(waiver: Waived, lang: str) -> str:
    """A waiver in one line."""
    facts = (
        say("list.label", lang, name=say(f"waivers.{key}", lang), text=waiver.row[key])
        for key in ("reason", "owner", "expires")
    )
    return say("list.clauses", lang).join((say(f"waivers.state.{waiver.row['state']}", lang), *facts))


def _row(run: Run, source: Json, clause: str, pairs: list[tuple[Json, Json]], lang: str) -> TestCase:
    pairs = sorted(pairs, key=lambda pair: bool(pair[1]["waived"]))  # what is not waived is what fails
    reason = in_language(source["reason"], lang)
    waived = _waivers_of(run.result, source, pairs) if source["verdict"] == "WAIVED" else []
    message = in_language(pairs[0][1]["received"], lang) if pairs else reason
    texts = [_told(waiver, lang) for waiver in waived]
    texts += [_finding_text(run, rule, finding, lang) for rule, finding in pairs] or [
        reason,
        *(in_language(text, lang) for text in source.get("observations", ())),
    ]
    return TestCase(
        source["id"],
        clause,
        _outcome(run.result, source["verdict"]),
        source["verdict"],
        float(source.get("seconds") or 0),
        message or say(f"verdict.{source['verdict']}", lang),
        "\n\n".join(text for text in texts if text),
    )


def _ids(clause: Json) -> str:
    """The waivers that excuse a clause."""
    return ", ".join(dict.fromkeys(finding["waived"] for finding in clause["findings"] if finding["waived"]))


def _waivers_of(result: Json, source: Json, pairs: list[tuple[Json, Json]]) -> list[Waived]:
    """The waivers that excuse a case or a clause."""
    ids = {source.get("waived"), *(finding["waived"] for _, finding in pairs)}
    return [waiver for waiver in waivers(result) if waiver.row["id"] in ids]


def _finding_text(run: Run, clause: Json, finding: Json, lang: str) -> str:
    lines = [say("list.label", lang, name=clause["id"], text=clause[lang])]
    for key in ("expected", "received", "difference"):
        text = in_language(finding[key], lang)
        if text:
            lines.append(say("list.label", lang, name=say(f"finding.{key}", lang), text=text))
    if finding["waived"]:
        lines.append(say("finding.waived", lang, id=finding["waived"]))
    shows_curl = finding["exchanges"] and run.result["kind"] != "drill"  # what a client sent went to a mock long gone
    record = run.exchange(finding["exchanges"][-1]) if shows_curl else None
    return "\n".join(lines + ([curl(record)] if record else []))
