"""Schemathesis as a generator and nothing else. The only module that imports it; import it late.

The version is pinned: `iter_coverage_cases` is a method without a page in its documentation.
"""

from __future__ import annotations

import gzip
import json
import string
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any

import hypothesis
import schemathesis
from hypothesis import configuration
from hypothesis import strategies as st
from hypothesis.internal.charmap import charmap_file
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy

from biztoken.fuzz.views import NUMBER_FORMAT, View

Case = schemathesis.Case[Any]

# Letters of one to four bytes of UTF-8, and the signs that break naive encoders.
LETTERS = f"{string.ascii_letters}{string.digits}{string.punctuation} äßéñøžЖωאبहไ한かカ张三好人民〇㐀𠮷𪚥𐍈😀"


def coverage(view: View) -> Iterator[Case]:
    """Every boundary and every omission, one at a time; no seed changes them."""
    # With a format of its own a field loses the case at its longest legal length (schemathesis 4.32.5).
    operation = _operation(view, with_formats=False)
    yield from operation.schema.iter_coverage_cases(
        operation,
        generation_modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE],
        generation_config=operation.schema.config.generation,
    )


def fuzz(view: View, mode: str, count: int, seed: int, is_new: Callable[[Case], bool]) -> None:
    """Show cases to `is_new` until it has taken `count` of them, or the view has no more."""

    def show(case: Case) -> None:
        if not is_new(case):
            hypothesis.reject()

    if count == 0:
        return
    _register_formats(view)
    strategy = _operation(view, with_formats=True).as_strategy(generation_mode=schemathesis.GenerationMode(mode))
    settings = hypothesis.settings(
        max_examples=count,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    hypothesis.seed(seed)(settings(hypothesis.given(strategy)(show)))()


@contextmanager
def reproducible() -> Iterator[None]:
    """Hold Hypothesis to what the seed decides.

    Left alone it mixes literals of whatever local modules are loaded into what it draws
    (HypothesisWorks/hypothesis#4348) and keeps tables in the working directory.
    """
    usual = providers.HypothesisProvider._maybe_draw_constant
    with tempfile.TemporaryDirectory(prefix="biztoken-fuzz-") as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        configuration.set_hypothesis_home_dir(directory)
        _write_codec_table()
        # On the class itself: parts of Hypothesis hold the class, whatever its table of providers says.
        providers.HypothesisProvider._maybe_draw_constant = _no_constant  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            providers.HypothesisProvider._maybe_draw_constant = usual  # type: ignore[method-assign]
            configuration.set_hypothesis_home_dir(None)


def _no_constant(_provider: providers.HypothesisProvider, *_: Any, **__: Any) -> None:
    return None


def _write_codec_table() -> None:
    """Put the table of what UTF-8 encodes where Hypothesis looks for it: to work it out takes it two seconds.

    Should a later version look elsewhere, drawing only takes longer.
    """
    path = charmap_file("codec-v2-utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        json.dump([[[0, 0xD7FF], [0xE000, 0x10FFFF]], []], file)


def _operation(view: View, *, with_formats: bool) -> schemathesis.APIOperation[Any, Any, Any, Any]:
    document = deepcopy(view.schema)
    if not with_formats:
        for schema in View(view.id, view.fixed, document, view.contract).properties.values():
            schema.pop("format", None)
    # A Config of our own, or a schemathesis.toml found from the working directory would count.
    loaded = schemathesis.openapi.from_dict(document, config=schemathesis.Config(seed=0))
    loaded.config.generation.update(allow_extra_parameters=False, deterministic=True)
    loaded.config.phases.coverage.unexpected_methods = set()
    return loaded[view.contract.path]["POST"]


def _register_formats(view: View) -> None:
    for schema in view.properties.values():
        if "format" in schema:
            _register_format(schema["format"])


@cache
def _register_format(name: str) -> None:
    """Teach schemathesis a format. Its name says all, so that no view drawn before can change what one means."""
    kind, _, size = name.rpartition("-")
    schemathesis.openapi.format(name, _id_numbers(int(size)) if kind == NUMBER_FORMAT else _texts(int(size)))


def _id_numbers(length: int) -> SearchStrategy[str]:
    return st.from_regex(f"[0-9]{{{length - 1}}}[0-9X]", fullmatch=True)


def _texts(limit: int) -> SearchStrategy[str]:
    """Short texts and, where there is a limit, few characters of many bytes about it.

    Whether those are too long is read from their bytes afterwards.
    """
    texts = st.text(LETTERS, min_size=1, max_size=30).filter(lambda text: text == text.strip())
    if not limit:
        return texts
    wide = [letter for letter in LETTERS if len(letter.encode()) > 1]
    long = st.builds(str.__mul__, st.sampled_from(wide), st.integers(limit // 4, limit // 2))
    return st.one_of(texts, texts, long)
