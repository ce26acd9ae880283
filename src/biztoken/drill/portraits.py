"""A gallery in which every picture is a portrait: a drill is about the client, not about what its picture shows."""

from __future__ import annotations

import asyncio

from biztoken.mock.decoding import decode
from biztoken.mock.faces import Face, Look
from biztoken.mock.gallery import Gallery

_FACE = Face(10, 10, 100, 100, 90.0)


class Portraits(Gallery):
    """Sees one sharp face in whatever can be decoded and is not too large. For several mocks at once."""

    async def look(self, data: bytes, longest: int, turn: bool) -> Look:
        """What is told of a picture; the detector of faces is not asked."""
        picture = await asyncio.to_thread(decode, data, longest)
        if picture is None:
            return Look("undecodable")
        if picture.copy is None:
            return Look("too-large", picture.format)
        return Look("", picture.format, (_FACE,))
