"""A request encoded once: signature, uuid and biz_no are put in anew for each one, at fixed places and lengths.

The encoding is that of `biztoken.client`, so what a load sends is what a check sends, byte by byte.
"""

from __future__ import annotations

import re
import time
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import replace
from random import Random
from string import ascii_letters

from biztoken.client import SIGN, Request, encode_request
from biztoken.load.pictures import DIGITS, NUMBERS, make_mark, with_sum
from biztoken.model import Form, Upload, Value
from biztoken.signing import VALIDITY, Key, halves_of_hmac, raw_text, sign_text
from biztoken.wire import Endpoint

Stamp = tuple[bytes, bytes]  # the signature of a request and its number
VARIED = ("uuid", "biz_no")  # fields whose value is new in each request
Bytes = bytes  # in the class below that name is a method
SIGNED = 64  # most signatures that are made at once
SMALL = 4_096  # bytes: what follows the last place is copied up to here, and shared beyond


class Template:
    """Makes requests of one form, each with a signature of its own. `size`: the bytes of each.

    The form has `client.SIGN` in place of a signature. uuid and biz_no, where the form has them, become `series` and
    ten digits, which count from `first`, or from anywhere; two templates of one run need different series. With
    `differ` each picture has other bytes every time and shows the same: the digits alone tell two of them apart.
    Pictures follow the other fields. Greenlets may share a template. `stamp`: of the request that was made last, to be
    asked for before another greenlet has its turn.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        form: Form,
        key: Key,
        *,
        series: str,
        rng: Random,
        first: int | None = None,
        differ: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._clock = clock
        self._series = f"{series}-"
        self._number = rng.randrange(NUMBERS) if first is None else first
        self._inner, self._outer = halves_of_hmac(key.api_secret)
        self._second = -1
        self._raw = b""
        self._ready: list[Stamp] = []  # the next one last
        self._some = 1
        self._signed = self._inner
        uploads = [(name, value) for name, value in form if isinstance(value, Upload)]
        self._fields: list[tuple[str, Value]] = [field for field in form if not isinstance(field[1], Upload)]
        first = len(self._fields)
        self._fields += uploads
        self._varied = [(place, name) for place, (name, value) in enumerate(self._fields) if is_varied(name, value)]
        self._marked = [
            (place, name, upload, make_mark(upload.data, upload.label))
            for place, (name, upload) in enumerate(uploads, first)
            if differ
        ]
        self.stamp: Stamp = b"", b""
        self._encode(endpoint, rng)

    def bytes(self) -> Bytes | list[Bytes]:
        """The next request: whole, or in pieces of which the last, with the pictures, is shared by all."""
        now = int(self._clock())
        if now != self._second or not self._ready:
            self._sign_some(now)
        self.stamp = sign, digits = self._ready.pop()
        parts = self._parts
        for place in self._sign_places:
            parts[place] = sign
        for place in self._digit_places:
            parts[place] = digits
        for place in self._sum_places:
            parts[place] = with_sum(digits)
        front = b"".join(parts)
        return [front, self._shared] if self._shared else front

    def form(self, stamp: Stamp) -> Form:
        """The fields of a request."""
        sign, digits = stamp
        return self._form_of(sign.decode(), digits)

    def _sign_some(self, now: int) -> None:
        """Make stamps for this second: one, then twice as many each time, which is cheaper than one by one."""
        if now != self._second:  # within a second all but the random part is the same
            self._second, self._some = now, 1
            self._number -= len(self._ready)
            self._raw = raw_text(self._key.api_key, now + VALIDITY, now, "").encode()
            self._signed = self._inner.copy()
            self._signed.update(self._raw)
        else:
            self._some = min(2 * self._some, SIGNED)
        first, self._number = self._number + 1, self._number + self._some
        self._ready = [self._make_stamp(number % NUMBERS) for number in range(self._number, first - 1, -1)]

    def _make_stamp(self, number: int) -> Stamp:
        digits = b"%010d" % number
        inner, outer = self._signed.copy(), self._outer.copy()
        inner.update(digits)
        outer.update(inner.digest())
        return b2a_base64(outer.digest() + self._raw + digits, newline=False), digits

    def _form_of(self, sign: str, digits: Bytes) -> Form:
        fields = self._fields.copy()
        varied = self._series + digits.decode()
        for place, name in self._varied:
            fields[place] = (name, sign if name == "sign" else varied)
        for place, name, upload, mark in self._marked:
            fields[place] = (name, replace(upload, data=mark.around(digits)))
        return tuple(fields)

    def _encode(self, endpoint: Endpoint, rng: Random) -> None:
        """Encode the form with stand-ins of the same length, and cut the bytes where they are."""
        now = int(self._clock())
        length = len(sign_text(raw_text(self._key.api_key, now + VALIDITY, now, "0" * DIGITS), self._key.api_secret))
        sign, digits = _stand_in(rng, length), _stand_in(rng, DIGITS)
        form = self._form_of(sign.decode(), digits)
        data = encode_request(endpoint, endpoint.url, Request(form), form, rng)
        self.size = len(data)
        # The longer one first: the digits with their sum begin with the digits.
        kinds = [sign, with_sum(digits), digits]
        self._parts = re.split(b"(" + b"|".join(map(re.escape, kinds)) + b")", data)
        self._sign_places, self._sum_places, self._digit_places = (
            [place for place, part in enumerate(self._parts) if part == kind] for kind in kinds
        )
        self._shared = self._parts.pop() if len(self._parts[-1]) > SMALL else b""
        self.stamp = sign, digits


def is_varied(name: str, value: Value) -> bool:
    """Whether a field has a new value in each request."""
    return value == SIGN or name in VARIED


def _stand_in(rng: Random, length: int) -> bytes:
    """Letters that stand nowhere else in a request."""
    return "".join(rng.choices(ascii_letters, k=length)).encode()
