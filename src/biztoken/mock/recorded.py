"""The order of checks that a run of the suite recorded on another endpoint, followed by the mock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from biztoken.errors import UserError
from biztoken.mock.faults import Fault
from biztoken.mock.rules import STEPS

# The step that tells of each kind of defect in a recorded map.
_STEP_OF = {
    "sign": "sign",
    "expired": "expired",
    "permission": "permission",
    "missing": "missing",
    "value": "values",
    "picture": "pictures",
    "face": "faces",
}
# A part that comes right after its whole is told with it, as in the mock's own order: picture by picture.
_WHOLE_OF = {"expired": "sign", "faces": "pictures"}


def read_order(path: Path) -> Fault:
    """The order of a run's result.json, as an entry for the mock. UserError where there is none."""
    layers = _read(path)["layers"]
    if not layers:
        what, hint = f"--precedence {path}", "the pairs of its map contradict one another; no order follows"
        raise UserError(what, hint, "优先级图中的各对相互矛盾，无法得出顺序")
    return Fault("precedence", {"order": order(layers)})


def not_followed(path: Path, lang: str) -> str:
    """The pairs of the same map that no order can follow, in a sentence; empty where there are none."""
    told = [_told(pair, lang) for pair in _read(path)["pairs"] if pair["winner"] not in (pair["first"], pair["second"])]
    if not told:
        return ""
    return f"不能仿照的各对：{'；'.join(told)}" if lang == "zh" else f"not followed: {'; '.join(told)}"


def order(layers: Sequence[Sequence[str]]) -> list[str]:
    """All steps of the mock, those of the layers in their order; a slot is taken before pictures are seen. Pure."""
    seen = list(_joined(_STEP_OF[kind] for layer in layers for kind in _wholes_first(layer) if kind in _STEP_OF))
    steps = [*seen, *(step for step in STEPS if step not in seen and step != "slot")]
    first_look = min(steps.index(step) for step in ("pictures", "faces") if step in steps)
    steps.insert(first_look if first_look > steps.index("sign") else steps.index("sign") + 1, "slot")
    return steps


def _wholes_first(layer: Sequence[str]) -> list[str]:
    """The kinds of a layer, of which any order is right: those whose steps have parts before the parts."""
    return sorted(layer, key=lambda kind: (_STEP_OF.get(kind) in _WHOLE_OF, layer.index(kind)))


def _joined(steps: Iterable[str]) -> Iterator[str]:
    """The steps without the parts that come right after their whole."""
    before = ""
    for step in steps:
        if _WHOLE_OF.get(step) != before:
            yield step
        before = step


def _read(path: Path) -> dict[str, Any]:
    """The map of a run. UserError where it has none."""
    try:
        found = json.loads((path / "result.json" if path.is_dir() else path).read_text("utf-8"))["precedence"]
        return {"layers": found["layers"], "pairs": found.get("pairs", [])}
    except (OSError, ValueError, KeyError, TypeError):
        what, hint = f"--precedence {path}", "it holds no precedence map; give a run made with --plan full"
        raise UserError(what, hint, "其中没有优先级图；请给出以 --plan full 运行的目录") from None


def _told(pair: dict[str, Any], lang: str) -> str:
    if lang == "zh":
        return f"{pair['first']} 与 {pair['second']}（得到 {'、'.join(dict.fromkeys(pair['seen']))}）"
    return f"{pair['first']} and {pair['second']} (told: {' or '.join(dict.fromkeys(pair['seen']))})"
