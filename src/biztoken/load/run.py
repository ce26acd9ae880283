"""One run as the command sees it: what workers told, put together, and when to stop early. Knows no process."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.finding import broken
from biztoken.load.book import Book
from biztoken.load.conditions import OK, REFUSED
from biztoken.load.guard import Ceilings
from biztoken.load.health import Health, alarms, health_of, held_back, holds_at_most
from biztoken.load.profile import Profile
from biztoken.load.schedule import Timeline
from biztoken.load.tokens import MEMBERS, Tokens, repeated_among
from biztoken.model import Finding, Json, Level
from biztoken.verdicts import Charge, Tally, Text

LOCAL = "local"  # the one worker where there is one process
ALL_LOST = Text("Every worker was lost before the profile's end.", "在方案结束之前所有 worker 均已失联。")
EXCHANGES_NAMED = 10  # of one finding, in the result


class LoadRun:
    """Takes the messages of a run and knows what they add up to.

    `keep`, to be set before the first message, writes the record of an exchange and gives the number it gets.
    """

    def __init__(self, profile: Profile, contract: Contract, ceilings: Ceilings, *, strict: bool) -> None:
        self.profile, self.contract, self.ceilings, self.strict = profile, contract, ceilings, strict
        self.timeline = Timeline(profile.stages)
        self.book = Book((), self.timeline)
        self.tally = Tally()
        # Of tokens and request_ids: hashes that several workers told of, and those of them that are new.
        self.suspects: dict[str, set[int]] = {kind: set() for kind in MEMBERS}
        self.unshown: dict[str, set[int]] = {kind: set() for kind in MEMBERS}
        self._merged = {kind: Tokens() for kind in MEMBERS}  # hashes alone: the rest is with the workers
        self._told: dict[str, dict[str, Json]] = {kind: {} for kind in MEMBERS}
        self._stored: dict[str, dict[str, dict[int, list[str]]]] = {}
        self._shown: dict[str, list[Json]] = {kind: [] for kind in MEMBERS}
        self._repeated_across = dict.fromkeys(MEMBERS, 0)
        self._present: set[str] | None = None  # the workers that told everything, once all did
        self.memory: dict[str, list[tuple[float, float]]] = {}
        self.pace: dict[str, float] = {}  # requests a second that each generator can make
        self.service_ms: float | None = None  # what a lone request takes
        self.shortages = 0
        self.stopped: Text | None = None  # a condition to stop was met
        self.interrupted: Text | None = None
        self.problem: Text | None = None  # the user's mistake, or a target that no sound request gets through to
        self.has_begun = False
        self.unready: set[str] = set()  # the workers of whom it is not known that they can begin
        self.notes: list[Text] = []
        self.keep: Callable[[Json], int] = lambda _record: 0

    # --- what comes in

    def take(self, message: Mapping[str, object]) -> None:
        """One message of the conductor."""
        worker = str(message.get("worker", ""))
        match message:
            case {"workers": list(workers)}:
                self.book = Book(workers, self.timeline)
                self.unready = set(workers)
            case {"ready": {"pace": float(pace)}}:
                self.pace[worker] = pace
                self.unready.discard(worker)
            case {"ready": {"error": {"what": str(what), "en": str(en), "zh": str(zh)}}}:
                raise UserError(what if worker == LOCAL else f"worker {worker}: {what}", en, zh)
            case {"go": True}:
                self.has_begun = True
            case {"report": dict(report)}:
                self._take_report(worker, report)
            case {"lost": str(lost)}:
                self.unready.discard(lost)
                self._lose(lost)
            case {"told": list(present)}:
                self._present = set(present)
                if not any(share.state == "finished" for share in self.book.shares.values()):
                    self.interrupted = self.interrupted or ALL_LOST
            case {"stored": dict(stored)}:
                self._stored[worker] = {kind: dict(rows) for kind, rows in stored.items()}
            case {"shown": {"kind": str(kind), "records": list(records)}}:
                self._shown[kind] += records

    def _take_report(self, worker: str, report: Json) -> None:
        if self.book.shares[worker].state == "lost":
            return
        self.book.take(worker, report["rows"])
        self.shortages += report["shortages"]
        if report["rows"]:
            self.memory.setdefault(worker, []).append((report["rows"][-1]["t"], report["memory_mb"]))
        self.tally.kept.update(report["kept"])
        for row in report["findings"]:
            self._take_finding(row)
        for kind in MEMBERS:
            self._take_hashes(kind, worker, report[kind])
        if report["spent"]:
            most = self.ceilings.requests
            self.interrupted = Text(
                f"The target's max_requests of {most} was met before the profile's end.",
                f"在方案结束之前已达到目标的 max_requests（{most}）。",
            )
        if report["last"]:
            self.book.finish(worker)
            told = self.book.shares[worker].told
            if told < self.timeline.seconds and not (self.stopped or self.interrupted):
                self.notes.append(
                    Text(
                        f"Worker {worker} ended early, in second {told}: from then on the load was lower by its share.",
                        f"worker {worker} 在第 {told} 秒提前结束：此后负载减少了它的份额。",
                    )
                )

    def _take_finding(self, row: Json) -> None:
        finding = Finding(row["clause"], row["aspect"], row["expected"], row["received"], row["folds_to"])
        exchanges = tuple(self.keep(record) for record in row["records"])
        key = (finding.clause, finding.aspect, finding.received, finding.folds_to or "")
        known = self.tally.charges.get(key)
        if known is None:
            self.tally.charges[key] = Charge(finding, "load", "", exchanges, row["count"], ("load",))
        else:
            named = (known.exchanges + exchanges)[:EXCHANGES_NAMED]
            self.tally.charges[key] = replace(known, count=known.count + row["count"], exchanges=named)
        if self.strict or self.contract.clauses[finding.clause].level is Level.MUST:
            self.book.violations += row["count"]

    def _take_hashes(self, kind: str, worker: str, told: Json) -> None:
        self._told[kind][worker] = told
        if told["fresh"]:
            met = self._merged[kind].merge(base64.b64decode(told["fresh"]))
            self.suspects[kind].update(met)
            self.unshown[kind].update(met)

    def _lose(self, worker: str) -> None:
        self.book.lose(worker)
        whole = self.timeline.seconds
        share, count = self.book.shares[worker], len(self.book.shares)
        told, left = share.told, share.in_flight
        missing = 100.0 * max(0, whole - told) / whole / count
        self.notes.append(
            Text(
                f"Worker {worker} was lost: what came after its last report, in second {told}, is counted nowhere. "
                f"Of {left} requests that it had begun by then the end is not known; they count as in flight. "
                f"From then on the load was lower by its share, which is {missing:.0f} % of what the profile asks for.",
                f"worker {worker} 失联：其最后一次报告（第 {told} 秒）之后发送的请求和收到的应答均未计入。"
                f"此前已发出的 {left} 个请求结果未知，计为在途。此后负载减少了它的份额，即方案要求的 {missing:.0f} %。",
            )
        )

    # --- tokens that several workers were told

    @property
    def is_told(self) -> bool:
        """Whether every worker that is left has told everything."""
        return self._present is not None

    @property
    def awaits_stored(self) -> bool:
        """Whether workers must still be asked, or have been and not answered, for the tokens behind equal hashes."""
        return any(self.suspects.values()) and not set(self._stored) >= (self._present or set())

    def confirm(self) -> None:
        """Charge what more than one worker stored; equal hashes alone prove nothing."""
        gone = any(share.state == "lost" for share in self.book.shares.values())
        for kind, (member, clause) in MEMBERS.items():
            repeated = repeated_among(stored.get(kind, {}) for stored in self._stored.values())
            told = broken(clause, "repeated", f"a new {member}", f"a {member} told to another worker").finding
            if repeated and told:
                records = self._shown[kind][:EXCHANGES_NAMED]
                self._take_finding(asdict(told) | {"count": len(repeated), "records": records})
            self._repeated_across[kind] = len(repeated)
            open_ones = sum(row["unconfirmed"] for row in self._told[kind].values())
            open_ones += len(self.suspects[kind]) if gone else 0
            if open_ones:
                self.notes.append(
                    Text(
                        f"{open_ones} replies whose {member} may have come before could not all be compared.",
                        f"有 {open_ones} 个应答的 {member} 可能重复，未能全部比对。",
                    )
                )

    def tokens(self) -> Json:
        """How many came, how many of them again, and the memory that one takes where it takes most."""
        told = list(self._told["tokens"].values())
        each = [row["bytes"] / row["seen"] for row in told if row["seen"]]
        return {
            "seen": sum(row["seen"] for row in told),
            "repeated": sum(row["repeated"] for row in told) + self._repeated_across["tokens"],
            "unconfirmed": sum(row["unconfirmed"] for row in told),
            "bytes_each": round(max(each, default=0.0), 1),
        }

    # --- what follows

    def condition_met(self) -> Text | None:
        """The first condition to stop that is met, remembered; None as long as none is."""
        if self.stopped is None and self.has_begun:
            for condition in self.profile.stop_when:
                if condition.stops(self.book):
                    seen = condition.seen(self.book)
                    self.stopped = Text(
                        f"Stopped early: {condition} (seen {seen:g}).", f"提前停止：{condition}（实际 {seen:g}）。"
                    )
                    break
        return self.stopped

    def numbers(self) -> dict[str, float | None]:
        """How it goes: the last second, and the totals."""
        book = self.book
        last = book.rows[-1] if book.rows else None
        refused = sum(count for name, count in book.by_outcome.items() if REFUSED in name)
        ok = book.by_outcome[OK]
        return {
            "in_flight": last["in_flight"] if last else None,
            "rate": last["sent"] if last else None,
            "ok": ok,
            "refused": refused,
            "failed": book.ended - ok - refused,
            "p95": book.percentile("p95"),
            "violations": book.violations,
        }

    @property
    def n_max(self) -> int | None:
        """How many requests in flight all generators together can hold."""
        return holds_at_most(sum(self.pace.values()), self.service_ms) if self.pace else None

    def health(self) -> Health:
        """What the generators were like over the whole run."""
        seen = health_of(self.book.rows, shortages=self.shortages, n_max=self.n_max)
        return replace(seen, lag_p50_ms=self.book.lag.ms()["p50"], late_p99_ms=self.book.late.ms()["p99"])

    def held(self) -> Text | None:
        """What to say where the target's own ceiling kept back the load."""
        asked = sum(self.timeline.level(row["t"]) for row in self.book.rows)
        return None if self.profile.is_open else held_back(self.book.rows, asked, self.ceilings.rate)

    def alarms(self) -> list[Text]:
        """Why the generators limited the load; of steps each has its own."""
        return alarms(self.health())
