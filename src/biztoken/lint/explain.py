"""A sign explained: what it says, part by part, and which part is wrong."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

from biztoken.contract import Contract
from biztoken.lint.advice import Advice, Remark, put, shown
from biztoken.lint.signature import judge
from biztoken.lint.signs import Sign, take_apart

# Which part of a sign a finding is about; those that are not here are about its spelling.
_PARTS = {
    "sign-digest-hex": "digest",
    "sign-digest-mangled": "digest",
    "sign-wrong-secret": "digest",
    "sign-text-form": "text",
    "sign-unknown-key": "a",
    "sign-expired": "b",
    "sign-expired-by-design": "b",
    "sign-validity-too-long": "b",
    "sign-milliseconds": "b, c",
    "sign-clock-shift": "c",
    "sign-random-too-long": "d",
    "sign-random-form": "d",
}
_WORDS = {
    "en": {
        "digest": "digest",
        "a": "a  api_key",
        "b": "b  expires",
        "c": "c  made",
        "d": "d  random",
        "once": "works once",
        "absent": "not found",
        "sound": "The sign is sound.",
        "unseen": "Nothing wrong is seen.",
        "wrong": "The sign is wrong.",
        "no-secret": "The digest was not judged: name the variable of the secret by --secret-env.",
        "no-now": "The expiry was not judged: give the time by --now.",
    },
    "zh": {
        "digest": "摘要",
        "a": "a  api_key",
        "b": "b  过期时间",
        "c": "c  签名时间",
        "d": "d  随机数",
        "once": "只能使用一次",
        "absent": "没有找到",
        "sound": "签名正确。",
        "unseen": "没有看出错误。",
        "wrong": "签名有误。",
        "no-secret": "没有检查摘要：请用 --secret-env 指定存放 secret 的环境变量。",
        "no-now": "没有检查是否过期：请用 --now 给出时间。",
    },
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sign taken apart, and what is wrong with it; `is_signed`, `is_timed`: whether digest and expiry were judged."""

    sign: Sign
    findings: tuple[Advice, ...]
    is_signed: bool
    is_timed: bool

    @property
    def is_sound(self) -> bool:
        return not any(advice.counts for advice in self.findings)

    def as_json(self, lang: str) -> dict[str, Any]:
        """What a program reads; times as texts, as they were written."""
        sign = self.sign
        return {
            "sound": self.is_sound,
            "judged": {"digest": self.is_signed, "expiry": self.is_timed},
            "digest": sign.digest.hex() if sign.digest is not None else None,
            "a": sign.key,
            "b": sign.expires,
            "c": sign.made,
            "d": sign.random,
            "expires": _date(sign.expires),
            "made": _date(sign.made),
            "wrong": list(dict.fromkeys(part_of(advice) for advice in self.findings if advice.counts)),
            "findings": [
                {"id": advice.id, "level": advice.level, "message": advice.message(lang)} for advice in self.findings
            ],
        }

    def told(self, lang: str) -> str:
        """What a person reads."""
        words, sign = _WORDS[lang], self.sign
        absent = words["absent"]
        rows = {
            "digest": sign.digest.hex() if sign.digest is not None else absent,
            "a": absent if sign.key is None else shown(sign.key),
            "b": words["once"] if sign.expires == "0" else _dated(sign.expires, absent),
            "c": _dated(sign.made, absent),
            "d": absent if sign.random is None else shown(sign.random),
        }
        lines = [words[name] + " " * (14 - _width(words[name])) + value for name, value in rows.items()]
        is_certain = self.is_signed and self.is_timed
        lines += ["", words["wrong" if not self.is_sound else "sound" if is_certain else "unseen"]]
        for advice in self.findings:
            lines += [f"{advice.level:<7} {advice.id} ({part_of(advice)})", f"        {advice.message(lang)}"]
        lines += [] if self.is_signed else [words["no-secret"]]
        lines += [] if self.is_timed else [words["no-now"]]
        return "\n".join(lines)


def explain(value: bytes, contract: Contract, secret: str | None = None, now: float | None = None) -> Explanation:
    """Take a sign apart and say which part is wrong; with the secret also by which mistake the digest is."""
    sign = take_apart(value)
    keys = None if secret is None or sign.key is None else {sign.key: secret}
    if secret and sign.key == secret:
        # Key and secret exchanged: whoever reads the explanation must not see the secret in it.
        sign = replace(sign, key="…")
        remarks = [*judge(replace(sign, key=None), None, now), Remark("sign-unknown-key", "sign", "secret")]
    else:
        remarks = judge(sign, keys, now)
    private = [secret] if secret else []
    findings = tuple(put(remark, contract, private) for remark in remarks)
    return Explanation(sign, findings, secret is not None, now is not None)


def part_of(advice: Advice) -> str:
    """The part of a sign that a finding is about: base64, digest, text, a, b, c or d."""
    return _PARTS.get(advice.id, "base64")


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: a Chinese character takes two."""
    return sum(2 if char >= "\u2e80" else 1 for char in text)


def _date(seconds: str | None) -> str | None:
    """A time as ISO 8601, None where it is none."""
    try:
        moment = datetime.datetime.fromtimestamp(int(seconds or ""), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _dated(seconds: str | None, absent: str) -> str:
    if seconds is None:
        return absent
    date = _date(seconds)
    return f"{shown(seconds)}  {date}" if date else shown(seconds)
