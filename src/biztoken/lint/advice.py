"""What lint tells about a request: an id for ever, a level, and four sentences in two languages, from texts.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from biztoken.contract import Contract

Level = Literal["breaks", "report", "advice"]
LEVELS: tuple[Level, ...] = ("breaks", "report", "advice")
LANGUAGES = ("en", "zh")
Text = Mapping[str, str]
_LONGEST = 60  # characters of what was sent that a sentence repeats
_FRAMES = {"en": "{sent} The contract: {says} {why} Fix: {fix}", "zh": "{sent}契约：{says}{why}修改：{fix}"}
_ID_NUMBER = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d)")
_MORE = {"en": " And {n} more.", "zh": "另有 {n} 处相同。"}


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding about a request.

    `level`: breaks (the endpoint refuses it, or takes it for another request), report (it works today, and will not
    always), advice (legal; could be better). `clause`: the clause of the contract it belongs to, None where there is
    none. `field`: the parameter or part it is about. `sent`, `says`, `why`, `fix`: what was sent, what the contract
    says, why it breaks later, and what to do; by language. No text repeats a secret, a name or an ID number.
    """

    id: str
    level: Level
    clause: str | None
    field: str | None
    sent: Text
    says: Text
    why: Text
    fix: Text

    def message(self, lang: str = "en") -> str:
        """The four sentences in "en" or "zh"."""
        return _FRAMES[lang].format(sent=self.sent[lang], says=self.says[lang], why=self.why[lang], fix=self.fix[lang])

    @property
    def counts(self) -> bool:
        """Whether a sound request never has it."""
        return self.level != "advice"


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding before it is put into words: `id` and `variant` name the texts, `values` fill them.

    `level` and `clause` stand in place of those of the texts. `more`: how many others of the same id are left out.
    """

    id: str
    field: str | None = None
    variant: str | None = None
    values: Mapping[str, object] | None = None
    level: Level | None = None
    clause: str | None = None
    more: int = 0


@cache
def texts() -> Mapping[str, Mapping[str, Any]]:
    """Every finding's texts by id; `missing` stands for missing-<parameter>."""
    source = Path(__file__).with_name("texts.yaml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Any]] = yaml.safe_load(source)
    return table


def put(remark: Remark, contract: Contract, private: Iterable[str] = ()) -> Advice:
    """Put a remark into words, none of them `private`.

    What the contract says is its clause, unless the texts say it themselves.
    """
    entry: dict[str, Any] = dict(texts()["missing" if remark.id.startswith("missing-") else remark.id])
    entry |= entry.get("variants", {}).get(remark.variant, {})
    clause = remark.clause or entry.get("clause")
    if clause and (remark.clause or "says" not in entry):
        says: Text = {lang: getattr(contract.clauses[clause], lang) for lang in LANGUAGES}
    else:
        says = _filled(entry["says"], remark)
    sent = _filled(entry["sent"], remark)
    if remark.more:
        sent = {lang: sent[lang] + _MORE[lang].format(n=remark.more) for lang in LANGUAGES}
    hidden = [*private, *_ID_NUMBER.findall(" ".join(map(str, (remark.values or {}).values())))]
    for text in hidden:
        sent = {lang: sentence.replace(text, "…") for lang, sentence in sent.items()}
    return Advice(
        remark.id,
        remark.level or entry["level"],
        clause,
        remark.field,
        sent,
        says,
        _filled(entry["why"], remark),
        _filled(entry["fix"], remark),
    )


def _filled(text: Text, remark: Remark) -> Text:
    values = {"field": shown(remark.field or ""), **(remark.values or {})}
    return {lang: text[lang].format_map(values) for lang in LANGUAGES}


def shown(text: str) -> str:
    """A text of a stranger's, fit to stand in a sentence: short, and without control characters."""
    plain = re.sub(r"[^\x20-\x7e\u00a1-\u1fff\u3000-\ud7ff\uf900-\ufefe\uff00-\uffef\ufffd]", "·", text[:_LONGEST])
    return plain if len(text) <= _LONGEST else plain + "…"
