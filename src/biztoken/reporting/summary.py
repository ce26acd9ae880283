"""`summary.md`: what fits the step summary of a CI job, in GitHub flavoured Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from biztoken.model import Json
from biztoken.reporting.certificate import certificate_md
from biztoken.reporting.markdown import cell, code, line, prose, text
from biztoken.reporting.precedence import order_md
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import verdict_sentence
from biztoken.reporting.since import since_md
from biztoken.reporting.texts import in_language, listed, say
from biztoken.reporting.view import Group, Untold, failures, last_passed, repeat_command, untested, warnings
from biztoken.reporting.waived import waivers_md

_ROWS = 25
_IDS = 12
_MARKS = {"conformant": "✅", "not-conformant": "❌", "no-verdict": "⚠️", "incomplete": "⚠️"}
_SHOWN = ("PASS", "FAIL", "WARN", "WAIVED", "HARNESS", "UNTESTABLE", "NOT_RUN", "OBSERVED", "NOT_APPLICABLE")


def summary_md(run: Run, lang: str) -> str:
    """The run in about a screen: verdict, broken clauses, counts, what could not be tested, how to repeat."""
    result = run.result
    parts = [_head(result, lang), *waivers_md(result, lang), *since_md(result, lang)]
    parts += broken_clauses(say("failures.title", lang), failures(result), lang)
    parts += broken_clauses(say("warnings.title", lang), warnings(result), lang)
    parts += _untested(untested(result, "UNTESTABLE"), lang)
    parts += order_md(result, lang)
    parts.append(_counts(result["counts"], lang))
    command = code(" ".join(repeat_command(result)), 1000)
    parts.append(say("list.label", lang, name=say("repeat.title", lang), text=command))
    parts += certificate_md(result, lang)
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(result: Json, lang: str) -> str:
    sentence = verdict_sentence(result, lang)
    target = result["target"]
    told = say("summary.target", lang, name=text(target.get("name", "")), url=code(target.get("url", "")))
    if result["kind"] == "drill":
        told = say("summary.client", lang, name=code(target.get("name", "")))
    ran = say("summary.ran", lang, n=result["executed"], planned=result["planned"], requests=result["requests"])
    return f"## {_MARKS[result['verdict']]} {text(sentence[:1].upper() + sentence[1:], 600)}\n\n{told}  \n{ran}"


def broken_clauses(title: str, groups: Sequence[Group], lang: str) -> list[str]:
    """A heading and a table of broken clauses with what was expected and came; nothing where none is."""
    if not groups:
        return []
    heads = [say(key, lang) for key in ("clause", "finding.expected", "finding.received", "finding.difference")]
    rows = [line(heads), line(["---"] * len(heads))]
    told = [line(row) for group in groups for row in _rows(group, lang)]
    left = len(told) - _ROWS
    more = say("summary.more", lang, n=left) if left > 0 else ""
    causes = [
        "- " + say("list.of", lang, text=f"**{text(group.cause[lang])}**", ids=_ids(group, lang))
        for group in groups
        if group.cause
    ]
    return [f"### {title}", "\n".join(causes), "\n".join(rows + told[:_ROWS]), more]


def _rows(group: Group, lang: str) -> Iterator[list[str]]:
    for item in group.broken:
        finding = item.lead or {"expected": "", "received": in_language(item.clause["reason"], lang)}
        cells = (cell(in_language(finding.get(key), lang)) for key in ("expected", "received"))
        clause = f"**{text(item.clause['id'])}**<br>{text(item.clause[lang])}"
        passed = last_passed(item.clause)
        clause += f"<br>{text(passed[lang])}" if passed else ""
        yield [clause, *cells, text(in_language(finding.get("difference"), lang))]


def _ids(group: Group, lang: str) -> str:
    return _listed([item.clause for item in group.broken], lang)


def _listed(clauses: Sequence[Json], lang: str) -> str:
    return listed([text(clause["id"]) for clause in clauses], lang, _IDS)


def _untested(groups: Sequence[Untold], lang: str) -> list[str]:
    if not groups:
        return []
    whys = [in_language(group.reason, lang) or say("reason.unknown", lang) for group in groups]
    lines = [
        "- " + say("list.of", lang, text=prose(why), ids=_listed(group.clauses, lang))
        for why, group in zip(whys, groups, strict=True)
    ]
    return [f"### {say('untested.title', lang)}", "\n".join(lines)]


def _counts(counts: Mapping[str, Mapping[str, int]], lang: str) -> str:
    shown = [verdict for verdict in _SHOWN if any(row.get(verdict) for row in counts.values())]
    if not shown:
        return ""
    rows = [
        line(["", *(say(f"verdict.{verdict}", lang) for verdict in shown)]),
        line(["---"] + ["---:"] * len(shown)),
    ]
    rows += [line([level, *(str(row.get(verdict, 0)) for verdict in shown)]) for level, row in counts.items()]
    return "\n".join(rows)
