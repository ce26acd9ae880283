"""What can go wrong on our side of the wire.

UserError      the user's mistake: one sentence, exit 2
HarnessError   the network or this program: no verdict

A wrong target is never an exception; it is a finding.
"""


class UserError(Exception):
    """A mistake of the user: `what` names it as they wrote it, `hint` says what to do, `zh` the same in Chinese.

    `lead`: a sentence that goes before, in English and in Chinese; no part of the text of the exception.
    """

    def __init__(self, what: str, hint: str, zh: str = "", *, lead: tuple[str, str] = ("", "")) -> None:
        super().__init__(f"{what}: {hint}")
        self.what = what
        self.hint = hint
        self.zh = zh
        self.lead = lead

    def told(self, lang: str) -> str:
        """The sentence in "en" or "zh"; English where there is no Chinese."""
        if lang == "zh" and self.zh:
            return f"{self.lead[1]}{self.what}\uff1a{self.zh}"
        return f"{self.lead[0]} {self}" if self.lead[0] else str(self)


class HarnessError(Exception):
    """No reply could be had: `reason` is a short stable slug, the text says more."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
