"""What the doctor says: steps, and whose side is at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from biztoken.errors import UserError
from biztoken.verdicts import Text

Side = Literal["file", "key", "clock", "network", "endpoint"]
State = Literal["ok", "warn", "fail", "skipped"]

SIDES: Mapping[Side, tuple[str, str]] = {
    "file": ("your target file", "你的目标文件"),
    "key": ("your key", "你的 key"),
    "clock": ("this machine's clock", "本机时钟"),
    "network": ("your network", "你的网络"),
    "endpoint": ("the endpoint", "接口"),
}
# In Chinese each is two characters wide, so that columns stay in line.
_STATES: Mapping[State, str] = {"ok": "正常", "warn": "警告", "fail": "失败", "skipped": "跳过"}
_NAMES = {
    "file": "文件",
    "secrets": "密钥",
    "dns": "域名",
    "tcp": "连接",
    "proxy": "代理",
    "tls": "加密",
    "clock": "时钟",
    "request": "请求",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, on whose side, and what to do. `what` names it as the user wrote it."""

    side: Side
    what: str
    en: str
    zh: str

    def error(self) -> UserError:
        """The mistake to raise, which begins with the side."""
        side, side_zh = SIDES[self.side]
        return UserError(self.what, self.en, self.zh, lead=(f"At fault is {side}.", f"问题出在{side_zh}。"))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing looked at, in the order of the list. `seconds`: how long it took, 0 where nothing was sent."""

    name: str
    state: State
    en: str
    zh: str
    seconds: float = 0.0

    def told(self, lang: str) -> str:
        """One line in "en" or "zh"."""
        time = f"{self.seconds * 1000:.0f} ms"
        if lang == "zh":
            return f"{_STATES[self.state]}  {_NAMES[self.name]}  {self.zh}" + (f"（{time}）" if self.seconds else "")
        return f"{self.state:<7}  {self.name:<7}  {self.en}" + (f" ({time})" if self.seconds else "")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every step, and the first trouble. `answered`: the endpoint answered the sound request, with whatever."""

    steps: tuple[Step, ...]
    trouble: Trouble | None = None
    answered: bool = False

    @property
    def problem(self) -> UserError | None:
        """The trouble as a mistake to raise, None where nothing is wrong."""
        return self.trouble.error() if self.trouble else None

    @property
    def side(self) -> Side | None:
        return self.trouble.side if self.trouble else None

    def warnings(self) -> list[Text]:
        """What is no trouble yet, each as a sentence that names its step."""
        warned = (step for step in self.steps if step.state == "warn")
        return [Text(f"Warning, {step.name}: {step.en}.", f"警告，{_NAMES[step.name]}：{step.zh}。") for step in warned]

    def sentence(self, lang: str) -> str:
        """Whose side is at fault and what to do, in one line."""
        if self.trouble is None:
            return "一切就绪，可以运行。" if lang == "zh" else "All is well: nothing stands in the way of a run."
        return self.trouble.error().told(lang)

    def told(self, lang: str) -> str:
        """All of it, as the command prints it."""
        return "\n".join([*(step.told(lang) for step in self.steps), self.sentence(lang)])
