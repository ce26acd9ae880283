"""The requests that generators are compared with, and two generators: locust's own user, and one with ours.

A locustfile: `locust -f bench/generator_users.py FastUser --host URL`. The body is chosen by BIZTOKEN_BENCH_BODY.
"""

from __future__ import annotations

import io
import os
import sys
import time
from random import Random
from urllib.parse import urlsplit

import gevent
import numpy as np
from locust import FastHttpUser, User, constant, task
from PIL import Image

from biztoken.client import SIGN, Request, encode_request
from biztoken.embedded import mock_target
from biztoken.load.guard import Ceilings
from biztoken.load.profile import read
from biztoken.load.rig import MOMENT, Rig
from biztoken.load.template import Template
from biztoken.model import Form, Upload
from biztoken.people import make_person
from biztoken.signing import VALIDITY, Key, Secret, new_random, raw_text, sign_text
from biztoken.wire import Endpoint

BODIES = ("fields", "picture")
KEY = Key("demo-active-key-of-a-bench", Secret("secret-of-a-bench-0123456789"))


def picture() -> bytes:
    """A JPEG of about 60 kB."""
    noise = np.random.default_rng(5).integers(0, 256, (220, 220, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=88)
    return out.getvalue()


def form_of(body: str) -> Form:
    """Ten text fields; with `picture` also one of 60 kB."""
    person = make_person(1)
    fields = {
        "sign": SIGN,
        "sign_version": "hmac_sha1",
        "liveness_type": "meglive",
        "comparison_type": "1",
        "idcard_name": person.name,
        "idcard_number": person.number,
        "uuid": "user-1",
        "biz_no": "order-1",
        "liveness_timeout": "60",
        "verbose": "1",
    }
    pictures = (("image_ref1", Upload("noise", picture())),) if body == "picture" else ()
    return (*fields.items(), *pictures)


def fresh_sign(rng: Random) -> str:
    now = int(time.time())
    return sign_text(raw_text(KEY.api_key, now + VALIDITY, now, new_random(rng)), KEY.api_secret)


def signed_requests(url: str, body: str, number: int) -> list[bytes]:
    """Requests as the suite sends them, each with a signature of its own."""
    rng = Random(3)
    made = []
    for _ in range(number):
        sign = fresh_sign(rng)
        form = tuple((name, sign if value == SIGN else value) for name, value in form_of(body))
        made.append(encode_request(Endpoint(url), url, Request(form), form, rng))
    return made


BODY = os.environ.get("BIZTOKEN_BENCH_BODY", BODIES[0])


class FastUser(FastHttpUser):
    """What a careful user of locust writes: FastHttpUser with `files=`, signed anew each time, nothing judged."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.rng = Random(id(self))
        self.path = urlsplit(self.host or "").path
        form = form_of(BODY)
        self.texts = {name: value for name, value in form if isinstance(value, str)}
        self.pictures = {
            name: (value.filename, value.data, value.media_type) for name, value in form if isinstance(value, Upload)
        }
        self.number = 0

    @task
    def ask(self) -> None:
        self.number += 1
        varied = {"sign": fresh_sign(self.rng), "uuid": f"user-{self.number}", "biz_no": f"order-{self.number}"}
        # The names without a file make each text a part of the form, as the endpoint wants it.
        texts = {name: (None, value) for name, value in (self.texts | varied).items()}
        self.client.post(self.path, files=texts | self.pictures)


class Only:
    """Makes requests of one template, as the forge of a profile makes them of several."""

    def __init__(self, template: Template) -> None:
        self._template = template

    def next(self) -> tuple[str, Template]:
        return BODY, self._template


class Lean(Rig):
    """The rig of `biztoken load`, with the requests that the others send."""

    def equip(self, *told, **named) -> None:
        super().equip(*told, **named)
        endpoint = Endpoint(self.target.url)
        self._forge = Only(Template(endpoint, form_of(BODY), KEY, series="bench", rng=Random(1)))


def hold_sound(kind: str, outcome: str, ms: float, size: int, clauses: tuple[str, ...]) -> None:
    """End it where the sink's replies, which are sound, earn anything else."""
    if outcome != "200" or clauses:
        print(f"{outcome} {clauses}", file=sys.stderr)
        os._exit(1)


class LeanUser(User):
    """A user of `biztoken load`: each request signed, each reply judged and counted."""

    wait_time = constant(0)
    rig: Rig | None = None

    def on_start(self) -> None:
        if LeanUser.rig is None:
            LeanUser.rig = Lean(mock_target(self.host or ""), Ceilings(), on_request=hold_sound)
            LeanUser.rig.equip(read("steady"), "bench")
            gevent.spawn(LeanUser.rig.forget)
        self.seat = LeanUser.rig.seat()

    @task
    def ask(self) -> None:
        """As FaceID: a task is more than one request."""
        ends = time.monotonic() + MOMENT
        while time.monotonic() < ends:
            LeanUser.rig.serve(self.seat)

    def on_stop(self) -> None:
        LeanUser.rig.leave(self.seat)
