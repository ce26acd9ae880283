"""Before a load: whose side is at fault where a sound request does not get through, and what a lone one takes."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

from biztoken import contract as contracts
from biztoken.budget import Budget, OutOfBudgetError
from biztoken.cases import Samples
from biztoken.client import Client, Request
from biztoken.doctor import diagnose
from biztoken.errors import UserError
from biztoken.evidence import Evidence
from biztoken.load.forge import form_of, person_of
from biztoken.load.pictures import NUMBERS, first_of, marked
from biztoken.load.profile import Profile
from biztoken.model import Exchange, Form
from biztoken.pictures import Pictures
from biztoken.settings import Target

LONE = 3  # requests, one after the other over a warm connection: what the target takes when it has nothing else to do


def approach(
    target: Target, profile: Profile, evidence: Evidence, *, seed: int, run: str, contract: Path | None
) -> tuple[int, float]:
    """Send a sound request of each kind, then some more; returns how many, and the fastest in milliseconds.

    `run` tells this one from another: pictures that are to differ do so here, too, and then another run sends others.
    UserError, naming whose side is at fault, where a sound request is refused or does not get through.
    """
    rules = contracts.load(contract)
    client = Client(target, evidence, seed=seed, budget=Budget(target.max_requests))
    samples = Samples(person_of(target, seed), Pictures(target.pictures, seed), seed)
    forms = [form_of(kind, rules, samples) for kind in profile.mix]
    numbers = count(first_of(f"{run}/before", 0, 1))

    def send(form: Form) -> Exchange:
        sent = marked(form, next(numbers) % NUMBERS) if profile.differs else form
        return client.send(Request(sent), case="load", role="before")

    try:
        for form in forms:
            diagnosis = diagnose(target, now=time.time, sound=lambda form=form: send(form))  # type: ignore[misc]
            if diagnosis.problem:
                raise diagnosis.problem
        lone = [send(forms[0]).elapsed_ms for _ in range(LONE)]
    except OutOfBudgetError:
        raise UserError(
            f"max_requests {target.max_requests}",
            "the first requests alone, one of each kind, are more; allow more",
            "仅最初的试探请求就已超出；请调大",
        ) from None
    finally:
        client.close()
    return client.sent, min(lone)
