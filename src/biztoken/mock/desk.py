"""Everything that a mock with a journal has beside its endpoint: the tap, the chronicle, the control path."""

from __future__ import annotations

import time
from collections.abc import Mapping

from biztoken.contract import Contract
from biztoken.mock.archive import Archive, read_archive
from biztoken.mock.choices import Choices
from biztoken.mock.chronicle import Chronicle, Lint
from biztoken.mock.control import Application, Control
from biztoken.mock.journal import Journal
from biztoken.mock.keys import Key
from biztoken.mock.record import Recorder
from biztoken.mock.tap import CONTROL, Tap, Taped, tapped


class Desk:
    """Goes on with what the directory of `archive` holds already. `path`: of the page."""

    path = f"{CONTROL}/"

    def __init__(
        self,
        contract: Contract,
        keys: Mapping[str, Key],
        choices: Choices,
        archive: Archive,
        *,
        lint: Lint | None = None,
        is_public: bool = False,
    ) -> None:
        known = read_archive(archive.directory)
        journal = Journal(first=max(known, default=0) + 1)
        first = int(time.time() * 1000)
        self._contract, self._choices, self._is_public = contract, choices, is_public
        self._chronicle = Chronicle(journal, Recorder(contract, keys), archive, lint=lint, known=known, first=first)
        self.protocol: type[Tap] = tapped(journal)

    def serve(self, served: Application) -> Control:
        """The application that answers in place of `served`, and has it answer the endpoint's requests."""
        return Control(Taped(served), self._contract, self._choices, self._chronicle, is_public=self._is_public)

    def close(self) -> None:
        """Finish what is being written."""
        self._chronicle.close()
