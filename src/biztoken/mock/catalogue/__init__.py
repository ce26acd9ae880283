"""The catalogue: every named fault of the mock and every variation, from its data and from the contract's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.mock.catalogue.derived import derived
from biztoken.mock.catalogue.entry import NamedFault, Variation
from biztoken.mock.catalogue.freedoms import freedoms
from biztoken.mock.faults import Fault, parse
from biztoken.mock.spelling import unknown

__all__ = ["Catalogue", "NamedFault", "Variation", "catalogue", "listing", "split"]

_FAULT = ("id", "clause", "when", "change", "times")
_SEPARATOR = "+"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Faults and variations by id. Names joined by `+` stand for all of them at once."""

    faults: Mapping[str, NamedFault]
    variations: Mapping[str, Variation]

    def arm(self, names: Iterable[str]) -> tuple[Fault, ...]:
        """The faults that a mock needs to behave as all these entries say. UserError for an unknown name."""
        armed: list[Fault] = []
        for name in names:
            if name in self.faults:
                armed.append(self.faults[name].fault)
            elif name in self.variations:
                armed += self.variations[name].faults
            else:
                raise unknown(f"fault {name}", name, [*self.faults, *self.variations])
        return tuple(armed)

    def concurrency_limit(self, names: Iterable[str]) -> int | None:
        """How many requests at once the key must grant for these entries; None for as many as ever."""
        limits = (self.faults[name].concurrency_limit for name in names if name in self.faults)
        return max((limit for limit in limits if limit is not None), default=None)


def split(names: str) -> list[str]:
    """The names that a text joins."""
    return names.split(_SEPARATOR)


def catalogue(contract: Contract) -> Catalogue:
    """Everything that is known to break one clause of the contract, or to use what it leaves open."""
    faults = [*derived(contract), *_written_faults(contract)]
    variations = [*freedoms(contract), *_written_variations(contract)]
    ids = [fault.id for fault in faults] + [variation.id for variation in variations]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise UserError(f"catalogue: {id_}", "two entries have this id; rename one", "id 重复；请改名")
    return Catalogue({fault.id: fault for fault in faults}, {entry.id: entry for entry in variations})


def listing(entries: Mapping[str, NamedFault] | Mapping[str, Variation], lang: str) -> str:
    """A line for each entry: its id, the clause that it breaks or the freedom that it uses, and what it does."""
    rows = [
        (entry.id, entry.clause if isinstance(entry, NamedFault) else entry.freedom, getattr(entry, lang))
        for entry in entries.values()
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{id_:{widths[0]}}  {clause:{widths[1]}}  {told}" for id_, clause, told in rows)


def _written_faults(contract: Contract) -> Iterable[NamedFault]:
    rows = _read("faults.yaml")
    parsed = parse([{name: row[name] for name in _FAULT if name in row} for row in rows], contract)
    for fault, row in zip(parsed, rows, strict=True):
        more = {name: value for name, value in row.items() if name not in _FAULT}
        yield NamedFault(fault, **more)


def _written_variations(contract: Contract) -> Iterable[Variation]:
    for row in _read("variations.yaml"):
        entries = [{"id": f"{row['id']}-{number}", **entry} for number, entry in enumerate(row["faults"], 1)]
        more = {"warns": tuple(row.get("warns", ())), "alone": row.get("alone", False)}
        yield Variation(row["id"], row["freedom"], row["en"], row["zh"], parse(entries, contract), **more)


def _read(name: str) -> list[dict[str, Any]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    rows: list[dict[str, Any]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return rows
