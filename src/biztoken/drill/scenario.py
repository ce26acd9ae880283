"""The drills: what the endpoint does to a client in each, from scenarios.yaml and from the contract's error table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from biztoken.contract import Contract, ErrorRow
from biztoken.verdicts import Text

CONTROL = "success"
# Seconds: told from an answer at once, and no timeout that anybody sets: no client leaves just as it is answered.
LONGEST_SLOW = 3.7
_FILE = Path(__file__).with_name("scenarios.yaml")
Answer = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill. `clause`: what it is for; `title`: what befalls the client.

    `answers`: one for each request, in order; `always`: for all that follow, None for what the contract says of them.
    `line`: https with a certificate of an authority that the client is told of (trusted), or not (untrusted); else "".
    `keep`: of each of these one text must be found in the client's words. `waits`: the client waits for long in it.
    """

    id: str
    clause: str
    title: Text
    answers: tuple[Answer, ...] = ()
    always: Answer | None = None
    line: str = ""
    keep: tuple[tuple[str, ...], ...] = ()
    waits: bool = False
    family: str = "special"

    @property
    def is_https(self) -> bool:
        return bool(self.line)


def grace(timeout: float) -> float:
    """Seconds beyond a limit for what is not waiting: the start of the client, and its end."""
    return max(1.0, timeout / 20)


def scenarios(contract: Contract, timeout: float) -> tuple[Scenario, ...]:
    """Every drill, the control first. `timeout`: seconds after which a client must have given up."""
    written = tuple(_written(timeout))
    told = {scenario.always for scenario in written if isinstance(scenario.always, str)}
    return (*written, *_derived(contract, told))


def _written(timeout: float) -> Iterator[Scenario]:
    # Nobody is to wait for ever: some time after its end a client that still waits is told nothing.
    numbers = {"timeout": f"{timeout + 2 * grace(timeout):g}", "slow": f"{min(LONGEST_SLOW, timeout / 10):g}"}
    for row in yaml.safe_load(_FILE.read_text("utf-8")):
        yield Scenario(
            row["id"],
            row["clause"],
            Text(row["en"], row["zh"]),
            tuple(_filled(answer, numbers) for answer in row.get("answers", ())),
            _filled(row.get("always"), numbers),
            row.get("line", ""),
            tuple(tuple(texts.split("|")) for texts in row.get("keep", ())),
            row.get("waits", False),
        )


def _filled(answer: Any, numbers: Mapping[str, str]) -> Any:
    if not isinstance(answer, Mapping) or "delay" not in answer:
        return answer
    return {**answer, "delay": answer["delay"].format(**numbers)}


# --- one for each error of the table


def _derived(contract: Contract, written: Collection[str]) -> Iterator[Scenario]:
    """Those that no written drill tells for ever; an error that takes a reason once for each of them."""
    shown, reasons = dict(_examples(contract)), dict(_reasons(contract))
    for row in contract.errors.values():
        if row.name in written:
            continue
        for reason in row.reasons or ("",):
            told = reason or shown.get(row.name, "")
            yield Scenario(
                f"error-{'-'.join(filter(None, (row.name, reason))).lower().replace('_', '-')}",
                "CLIENT-REASON",
                reasons[reason] if reason else Text(row.en, row.zh),
                always=f"{row.name}: {told}" if told else row.name,
                keep=((reason,),) if reason else (_names(contract, row),),
                family="table",
            )


def _reasons(contract: Contract) -> Iterator[tuple[str, Text]]:
    (item,) = contract.document["paths"].values()
    for row in item["post"]["x-errors"]:
        for reason in row.get("reasons", ()):
            yield reason["name"], Text(reason["en"], reason["zh"])


def _names(contract: Contract, row: ErrorRow) -> tuple[str, ...]:
    """What names an error: its name, and its status where no other error has that."""
    alone = [other.status for other in contract.errors.values()].count(row.status) == 1
    return (row.name, str(row.status)) if alone else (row.name,)


def _examples(contract: Contract) -> Iterator[tuple[str, str]]:
    """Name and detail of every error among the examples of the contract."""
    (item,) = contract.document["paths"].values()
    for reply in item["post"]["responses"].values():
        for content in reply["content"].values():
            for example in content.get("examples", {}).values():
                error = example["value"].get("error") if isinstance(example["value"], Mapping) else None
                if error:
                    name, _, detail = error.partition(":")
                    yield name, detail.strip()
