"""Read and check a sign: base64( HMAC-SHA1(api_secret, text) then text ), text `a=…&b=…&c=…&d=…`.

Source: FaceID's page on App authentication. Shares no code with the side that signs.
"""

from __future__ import annotations

import binascii
import hmac
import re
from functools import lru_cache
from typing import NamedTuple

_DIGEST_BYTES = 20
# Twenty digits hold every time in milliseconds or nanoseconds that a client may take for seconds.
_TEXT = re.compile(rb"a=([^&]*)&b=([0-9]{1,20})&c=([0-9]{1,20})&d=[0-9]{1,10}")


class Signed(NamedTuple):
    """What a sign says. `expires` and `made` are seconds since the epoch; `expires` 0 means single use."""

    digest: bytes
    text: bytes
    api_key: str
    expires: int
    made: int


def read(sign: bytes) -> Signed | None:
    """Decode a sign; None if it is not strict, canonical, standard base64 of digest and text."""
    try:
        raw = binascii.a2b_base64(sign, strict_mode=True)
    except binascii.Error:
        return None
    match = _TEXT.fullmatch(raw, _DIGEST_BYTES)
    # Two spellings of the last character decode to the same bytes; only one of them is what an encoder writes.
    if match is None or binascii.b2a_base64(raw, newline=False) != sign:
        return None
    try:
        api_key = match[1].decode()
    except UnicodeDecodeError:
        return None
    # The digest comes first and is always 20 bytes, so the text after it needs no separator.
    return Signed(raw[:_DIGEST_BYTES], match[0], api_key, int(match[2]), int(match[3]))


def is_genuine(signed: Signed, api_secret: str) -> bool:
    """Whether the digest is that of the text under the secret."""
    digest = _keyed(api_secret).copy()
    digest.update(signed.text)
    return hmac.compare_digest(digest.digest(), signed.digest)


@lru_cache(maxsize=256)
def _keyed(api_secret: str) -> hmac.HMAC:
    """HMAC-SHA1 that has taken in the secret, which is half the work of a signature."""
    return hmac.new(api_secret.encode(), digestmod="sha1")


def has_expired(signed: Signed, now: float) -> bool:
    """Whether the sign is over at `now`, or was never valid because it does not expire after it was made.

    The pages disagree about equal times; here they count as expired. No clock skew is allowed for.
    """
    return signed.expires <= now or signed.expires <= signed.made
