"""Findings as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

from biztoken.lint.advice import Advice

_WORDS = {
    "en": {"none": "nothing to mend", "contract": "contract", "later": "later", "fix": "fix"},
    "zh": {"none": "没有需要修改的", "contract": "契约", "later": "后果", "fix": "修改"},
}


def findings_told(name: str, findings: Sequence[Advice], lang: str) -> str:
    """The findings of one request, the worst first, each in four lines."""
    words = _WORDS[lang]
    colon = "：" if lang == "zh" else ": "
    if not findings:
        return f"{name}{colon}{words['none']}"
    lines = [f"{name}{colon}".rstrip()]
    for advice in findings:
        lines.append(f"  {advice.level:<6}  {advice.id}" + (f"  [{advice.clause}]" if advice.clause else ""))
        lines.append(f"    {advice.sent[lang]}")
        for key, text in (("contract", advice.says), ("later", advice.why), ("fix", advice.fix)):
            lines.append(f"    {words[key]}{colon}{text[lang]}")
    return "\n".join(lines)
