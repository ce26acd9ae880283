"""What a run leaves on the terminal: verdict, failures, warnings, what is missing, where the report is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from biztoken.model import Json
from biztoken.reporting.curl import curl
from biztoken.reporting.limit_terminal import limit_lines
from biztoken.reporting.load_terminal import load_lines
from biztoken.reporting.printable import one_line, printable, shortened
from biztoken.reporting.prove_terminal import proof_lines
from biztoken.reporting.records import Run, load
from biztoken.reporting.result import LIMIT, LOAD, PROVE, kind_of
from biztoken.reporting.sentence import verdict_sentence
from biztoken.reporting.since import lines_of, since
from biztoken.reporting.texts import in_language, listed, say
from biztoken.reporting.view import Broken, Group, Untold, failures, last_passed, repeat_command, untested, warnings
from biztoken.reporting.waived import alerts, waivers

_SHOWN = 10
_IDS = 8
_STYLES = {"conformant": "bold green", "not-conformant": "bold red", "no-verdict": "bold yellow"}


def print_summary(directory: Path, lang: str = "en", console: Console | None = None) -> None:
    """Print the run in `directory` so that each failure can be read alone. Standard output unless told otherwise."""
    run = load(directory)
    out = console or Console()
    for line in _LINES.get(kind_of(run.result), _lines)(run, lang):
        out.print(line, soft_wrap=isinstance(line, Text), highlight=False)
    report = directory / "index.html"
    out.print()
    out.print(Text(say("list.label", lang, name=say("terminal.report", lang), text=report)), soft_wrap=True)


def _lines(run: Run, lang: str) -> Iterator[Text | Padding]:
    result = run.result
    yield from _broken(run, failures(result), "failures.title", "red", lang)
    yield from _broken(run, warnings(result), "warnings.title", "yellow", lang)
    yield from _untested(untested(result, "HARNESS"), "trouble.title", lang)
    yield from _untested(untested(result, "UNTESTABLE"), "untested.title", lang)
    if result["notes"]:
        yield Text(f"\n{say('notes.title', lang)}", "bold")
    for note in result["notes"]:
        yield _indented(Text(one_line(note[lang], 600)), 2)
    yield from _waivers(result, lang)
    yield from _since(result, lang)
    sentence = verdict_sentence(result, lang)
    yield Text()
    yield Text(one_line(sentence[:1].upper() + sentence[1:], 1000), _STYLES.get(result["verdict"], "bold yellow"))


def _broken(run: Run, groups: Sequence[Group], title: str, style: str, lang: str) -> Iterator[Text | Padding]:
    if not groups:
        return
    yield Text(f"\n{say(title, lang)}", "bold")
    for group in groups[:_SHOWN]:
        yield Text()
        if group.cause:
            number = say("terminal.cause", lang, n=len(group.broken))
            told = say("list.of", lang, text=one_line(group.cause[lang]), ids=number)
            yield _indented(Text(told, f"bold {style}"), 2)
            yield _indented(Text(_ids([item.clause for item in group.broken], lang), "dim"), 2)
        yield from _item(run, group.broken[0], style, lang)
    left = sum(len(group.broken) for group in groups[_SHOWN:])
    if left:
        yield Text()
        yield _indented(Text(say("terminal.more", lang, n=left)), 2)


def _item(run: Run, item: Broken, style: str, lang: str) -> Iterator[Text | Padding]:
    clause, finding = item.clause, item.lead
    yield _indented(Text.assemble((one_line(clause["id"]), f"bold {style}"), "  ", one_line(clause[lang])), 2)
    passed = last_passed(clause)
    if passed:
        yield _indented(Text(one_line(passed[lang]), "dim"), 4)
    if finding is None:
        yield _indented(Text(one_line(in_language(clause["reason"], lang) or say("finding.none", lang))), 4)
        return
    for key in ("expected", "received", "difference", "case"):
        text = one_line(in_language(finding[key], lang))
        if text:
            name = say("list.label", lang, name=say(f"finding.{key}", lang), text="")
            yield _indented(Text.assemble((name, "dim"), text), 4)
    record = run.exchange(finding["exchanges"][-1]) if finding["exchanges"] else None
    if run.result["kind"] == "drill":
        yield from _printed(run.result, finding, lang)
    elif record:
        yield from (Text(f"    {shortened(line, 4000)}", "cyan") for line in curl(record).split("\n"))
    if kind_of(run.result) not in (LOAD, LIMIT):  # which have no cases to run by themselves
        repeat = " ".join(repeat_command(run.result, select=finding["case"] or clause["id"]))
        yield Text(f"    {printable(repeat)}", "cyan")


def _printed(result: Json, finding: Json, lang: str) -> Iterator[Text | Padding]:
    """What the client said in the drill of a finding."""
    for case in result["cases"]:
        if case["id"] == finding["case"] and case.get("output"):
            name = say("list.label", lang, name=say("drill.printed", lang), text="")
            yield _indented(Text.assemble((name, "dim"), one_line(case["output"], 300)), 4)


def _waivers(result: Json, lang: str) -> Iterator[Text | Padding]:
    rows = waivers(result)
    if rows:
        yield Text(f"\n{say('waivers.title', lang)}", "bold")
    for alert in alerts(result):
        yield _indented(Text(alert[lang], "yellow"), 2)
    for waiver in rows:
        style = "bold red" if waiver.is_stale else "bold"
        state = say(f"waivers.state.{waiver.row['state']}", lang)
        head = say("list.of", lang, text=one_line(waiver.name), ids=one_line(waiver.row["finding"], 120))
        yield _indented(Text.assemble((state, style), "  ", head), 2)
        for key, told in (
            ("reason", waiver.row["reason"]),
            ("owner", waiver.row["owner"]),
            ("expires", waiver.ends[lang]),
        ):
            name = say("list.label", lang, name=say(f"waivers.{key}", lang), text="")
            yield _indented(Text.assemble((name, "dim"), one_line(told)), 4)


def _since(result: Json, lang: str) -> Iterator[Text | Padding]:
    told = since(result)
    if told is None:
        return
    yield Text(f"\n{say('since.title', lang)}", "bold")
    yield _indented(Text(one_line(told.lead[lang]), "dim"), 2)
    if told.is_nothing:
        yield _indented(Text(say("since.nothing", lang)), 2)
    for name, ids in lines_of(told, lang, plain=True):
        yield _indented(Text(say("list.label", lang, name=name, text=ids)), 2)


def _untested(groups: Sequence[Untold], title: str, lang: str) -> Iterator[Text | Padding]:
    if groups:
        yield Text(f"\n{say(title, lang)}", "bold")
    for group in groups:
        why = in_language(group.reason, lang) or say("reason.unknown", lang)
        yield _indented(Text(one_line(why, 600)), 2)
        yield _indented(Text(_ids(group.clauses, lang), "dim"), 4)


def _indented(text: Text, left: int) -> Padding:
    return Padding(text, (0, 0, 0, left), expand=False)


def _ids(clauses: Sequence[Json], lang: str) -> str:
    return listed([one_line(clause["id"]) for clause in clauses], lang, _IDS)


def _of_a_proof(run: Run, lang: str) -> Iterator[Text | Padding]:
    return proof_lines(run.result, lang)


def _of_a_load(run: Run, lang: str) -> Iterator[Text | Padding]:
    yield from _broken(run, failures(run.result), "failures.title", "red", lang)
    yield from _broken(run, warnings(run.result), "warnings.title", "yellow", lang)
    yield from load_lines(run, lang)


def _of_a_limit(run: Run, lang: str) -> Iterator[Text | Padding]:
    yield from _broken(run, failures(run.result), "failures.title", "red", lang)
    yield from limit_lines(run, lang)


_LINES: Mapping[str, Callable[[Run, str], Iterator[Text | Padding]]] = {
    PROVE: _of_a_proof,
    LOAD: _of_a_load,
    LIMIT: _of_a_limit,
}
