"""`summary.md`: what fits the step summary of a CI job, in GitHub flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from biztoken.model import Json
from biztoken.reporting.printable import one_line
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import verdict_sentence
from biztoken.reporting.texts import in_language, say
from biztoken.reporting.view import Group, Untold, failures, repeat_command, untested, warnings

_ROWS = 25
_IDS = 12
_MARKS = {"conformant": "✅", "not-conformant": "❌", "no-verdict": "⚠️", "incomplete": "⚠️"}
_SHOWN = ("PASS", "FAIL", "WARN", "HARNESS", "UNTESTABLE", "NOT_RUN", "OBSERVED", "NOT_APPLICABLE")


def summary_md(run: Run, lang: str) -> str:
    """The run in about a screen: verdict, broken clauses, counts, what could not be tested, how to repeat."""
    result = run.result
    parts = [_head(result, lang)]
    parts += _broken(say("failures.title", lang), failures(result), lang)
    parts += _broken(say("warnings.title", lang), warnings(result), lang)
    parts += _untested(untested(result, "UNTESTABLE"), lang)
    parts.append(_counts(result["counts"], lang))
    command = _code(" ".join(repeat_command(result)), 1000)
    parts.append(say("list.label", lang, name=say("repeat.title", lang), text=command))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(result: Json, lang: str) -> str:
    sentence = verdict_sentence(result, lang)
    target = result["target"]
    told = say("summary.target", lang, name=_text(target.get("name", "")), url=_code(target.get("url", "")))
    ran = say("summary.ran", lang, n=result["executed"], planned=result["planned"], requests=result["requests"])
    return f"## {_MARKS[result['verdict']]} {_text(sentence[:1].upper() + sentence[1:], 600)}\n\n{told}  \n{ran}"


def _broken(title: str, groups: Sequence[Group], lang: str) -> list[str]:
    if not groups:
        return []
    heads = [say(key, lang) for key in ("clause", "finding.expected", "finding.received", "finding.difference")]
    rows = [_line(heads), _line(["---"] * len(heads))]
    told = [_line(row) for group in groups for row in _rows(group, lang)]
    left = len(told) - _ROWS
    more = say("summary.more", lang, n=left) if left > 0 else ""
    causes = [
        "- " + say("list.of", lang, text=f"**{_text(group.cause[lang])}**", ids=_ids(group, lang))
        for group in groups
        if group.cause
    ]
    return [f"### {title}", "\n".join(causes), "\n".join(rows + told[:_ROWS]), more]


def _rows(group: Group, lang: str) -> Iterator[list[str]]:
    for item in group.broken:
        finding = item.lead or {"expected": "", "received": in_language(item.clause["reason"], lang)}
        texts = (_code(in_language(finding.get(key), lang)) for key in ("expected", "received"))
        cells = (text.replace("|", "\\|") for text in texts)  # a bar ends a cell even within code
        clause = f"**{_text(item.clause['id'])}**<br>{_text(item.clause[lang])}"
        yield [clause, *cells, _text(in_language(finding.get("difference"), lang))]


def _ids(group: Group, lang: str) -> str:
    return _listed([item.clause for item in group.broken], lang)


def _listed(clauses: Sequence[Json], lang: str) -> str:
    named = say("list.separator", lang).join(_text(clause["id"]) for clause in clauses[:_IDS])
    left = len(clauses) - _IDS
    return named + (say("list.more", lang, n=left) if left > 0 else "")


def _untested(groups: Sequence[Untold], lang: str) -> list[str]:
    if not groups:
        return []
    whys = [in_language(group.reason, lang) or say("reason.unknown", lang) for group in groups]
    lines = [
        "- " + say("list.of", lang, text=_prose(why), ids=_listed(group.clauses, lang))
        for why, group in zip(whys, groups, strict=True)
    ]
    return [f"### {say('untested.title', lang)}", "\n".join(lines)]


def _counts(counts: Mapping[str, Mapping[str, int]], lang: str) -> str:
    shown = [verdict for verdict in _SHOWN if any(row.get(verdict) for row in counts.values())]
    if not shown:
        return ""
    rows = [
        _line(["", *(say(f"verdict.{verdict}", lang) for verdict in shown)]),
        _line(["---"] + ["---:"] * len(shown)),
    ]
    rows += [_line([level, *(str(row.get(verdict, 0)) for verdict in shown)]) for level, row in counts.items()]
    return "\n".join(rows)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(text: object, limit: int = 240) -> str:
    """`text` with nothing in it that Markdown would act on; a `_` within a word needs no escape."""
    return _escaped(one_line(text, limit))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))", r"\\\1", text)


def _prose(text: str) -> str:
    """A reason of our own, what stands between backquotes as code."""
    parts = one_line(text, 600).split("`")
    return "".join(_code(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _code(text: object, limit: int = 240) -> str:
    """`text` as code, in a fence that outnumbers its own backquotes."""
    safe = one_line(text, limit)
    if not safe:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", safe)), default=0) + 1)
    space = " " if safe.startswith("`") or safe.endswith("`") else ""
    return f"{fence}{space}{safe}{space}{fence}"
