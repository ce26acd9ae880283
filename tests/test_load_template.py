"""A request made from a template is the one that the suite's client would have sent, and no two are the same."""

import base64
import io
from email import message_from_bytes
from itertools import count
from random import Random

import pytest
from PIL import Image
from tiny_servers import PATH

from biztoken.client import SIGN, Request, encode_request
from biztoken.errors import UserError
from biztoken.load.pictures import make_mark
from biztoken.load.template import Template
from biztoken.model import Form, Upload
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.signing import VALIDITY, Key, Secret, sign_text
from biztoken.wire import Endpoint

NOW = 1_700_000_000
ENDPOINT = Endpoint(f"http://target.example:8080{PATH}?a=b")
KEY = Key("key-1", Secret("secret-1"))
PERSON = make_person(3)
TEXTS: Form = (
    ("sign", SIGN),
    ("sign_version", "hmac_sha1"),
    ("idcard_name", PERSON.name),
    ("idcard_number", PERSON.number),
    ("uuid", "any"),
    ("biz_no", "any"),
)
PICTURES = Pictures()
FACE, PNG = PICTURES.get("face"), PICTURES.get("face.png")


def template(form: Form = TEXTS, *, endpoint: Endpoint = ENDPOINT, series: str = "s", clock=lambda: NOW, **options):
    """A template at a standing clock."""
    return Template(endpoint, form, KEY, series=series, rng=Random(1), clock=clock, **options)


def whole(data: bytes | list[bytes]) -> bytes:
    """A request in one piece."""
    return data if isinstance(data, bytes) else b"".join(data)


def sent(made: Template) -> tuple[bytes, Form]:
    """The next request of a template, and its form."""
    data = whole(made.bytes())
    return data, made.form(made.stamp)


def fields_of(data: bytes) -> list[tuple[str, bytes, str | None]]:
    """Name, value and file name of each part, as Python's parser of MIME reads them."""
    head, _, body = data.partition(b"\r\n\r\n")
    (kind,) = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Type:")]
    message = message_from_bytes(kind + b"\r\n\r\n" + body)
    return [
        (part.get_param("name", header="Content-Disposition"), part.get_payload(decode=True), part.get_filename())
        for part in message.get_payload()
    ]


FORMS = {
    "texts": TEXTS,
    "one picture": (*TEXTS, ("image_ref1", FACE)),
    "two pictures": (*TEXTS, ("image_ref1", FACE), ("image_ref2", PNG)),
    "small picture": (*TEXTS, ("image", Upload("small", b"\xff\xd8small\xff\xd9"))),
}


@pytest.mark.parametrize("differ", [False, True], ids=["same", "differ"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_request_is_that_of_the_client(form, differ):
    """Its bytes are those that the client makes of its form, all of them."""
    made = template(form, differ=differ)
    for _ in range(3):
        data, told = sent(made)
        boundary = data.partition(b"boundary=biztoken")[2][:24]

        class SameBoundary(Random):
            def getrandbits(self, bits: int, boundary: bytes = boundary) -> int:
                return int(boundary, 16)

        assert data == encode_request(ENDPOINT, ENDPOINT.url, Request(told), told, SameBoundary())
        assert len(data) == made.size


def test_form_is_what_a_receiver_reads():
    """What the form tells is what stands in the parts, pictures last."""
    data, form = sent(template((("image_ref1", FACE), *TEXTS)))

    texts = [(name, value.encode(), None) for name, value in form if isinstance(value, str)]
    assert fields_of(data) == [*texts, ("image_ref1", FACE.data, FACE.filename)]


def test_sign_is_sound():
    """Each is what the one place that signs would make of its text, with the time of its making."""
    clock = count(NOW)
    made = template(clock=lambda: next(clock))
    signs = [dict(sent(made)[1])["sign"] for _ in range(5)]

    raws = [base64.b64decode(sign)[20:].decode() for sign in signs]
    assert [sign_text(raw, KEY.api_secret) for raw in raws] == signs
    times = [[int(part[2:]) for part in raw.split("&")[1:3]] for raw in raws]
    assert all(expire - current == VALIDITY for expire, current in times)
    assert len({current for _, current in times}) == 5


def test_signs_made_ahead_are_of_their_second():
    """However many were made at once, none outlives its second, and the numbers run on."""
    seconds = [NOW] * 40 + [NOW + 1] * 1 + [NOW + 2] * 3 + [NOW + 9] * 300
    clock = iter([NOW, *seconds])
    made = template(clock=lambda: next(clock), first=10**10 - 50)
    forms = [dict(sent(made)[1]) for _ in seconds]

    raws = [base64.b64decode(form["sign"])[20:].decode() for form in forms]
    assert [int(raw.split("&c=")[1].split("&")[0]) for raw in raws] == seconds
    assert [sign_text(raw, KEY.api_secret) for raw in raws] == [form["sign"] for form in forms]
    assert [int(form["uuid"][2:]) for form in forms] == [
        (10**10 - 50 + place) % 10**10 for place in range(1, len(seconds) + 1)
    ]


def test_sign_has_the_published_form(monkeypatch):
    """The vendor's known answer comes out of the template, its leading zero and its plus included."""
    key = Key("ICVvC_xUs6177WEtyUNwIH8J6NfGu50t", Secret("UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"))
    monkeypatch.setattr("biztoken.load.template.VALIDITY", 100)

    class Before(Random):
        def randrange(self, *_: int) -> int:
            return 799_687_065  # the next number is the random part of the known answer

    made = Template(ENDPOINT, TEXTS, key, series="s", rng=Before(1), clock=lambda: 1_530_762_118.9)

    assert dict(sent(made)[1])["sign"] == (
        "SPzLRbDBgTGC2A8YdDaa7Jrny+5hPUlDVnZDX3hVczYxNzdXRXR5VU53SUg4SjZOZkd1NTB0"
        "JmI9MTUzMDc2MjIxOCZjPTE1MzA3NjIxMTgmZD0wNzk5Njg3MDY2"
    )


def test_no_two_requests_are_the_same():
    """Within a second, too, each has a sign, a uuid and a biz_no of its own, of the same length."""
    made = template()
    forms = [dict(sent(made)[1]) for _ in range(1000)]

    for name in ("sign", "uuid", "biz_no"):
        values = {form[name] for form in forms}
        assert len(values) == 1000
        assert len({len(value) for value in values}) == 1
    assert forms[0]["uuid"].startswith("s-")


def test_series_are_apart():
    """Two series share no uuid, however their numbers meet."""
    one, other = template(series="a"), template(series="b")

    assert not {dict(sent(one)[1])["uuid"] for _ in range(50)} & {dict(sent(other)[1])["uuid"] for _ in range(50)}


def test_numbers_go_round():
    """After the last number comes the first: the length never changes."""

    class Last(Random):
        def randrange(self, *_: int) -> int:
            return 10**10 - 1

    made = Template(ENDPOINT, TEXTS, KEY, series="s", rng=Last(1), clock=lambda: NOW)
    data, form = sent(made)

    assert dict(form)["uuid"] == "s-0000000000"
    assert len(data) == made.size


def test_fields_that_are_not_there_are_not_made_up():
    """A form without biz_no is sent without it, one without a signature unsigned."""
    data, form = sent(template((("uuid", "any"), ("verbose", "1"))))

    assert [name for name, _ in form] == ["uuid", "verbose"]
    assert [name for name, _, _ in fields_of(data)] == ["uuid", "verbose"]


def test_pictures_are_not_copied():
    """What is the same in all requests is one piece of memory."""
    made = template(FORMS["one picture"])
    one, other = made.bytes(), made.bytes()

    assert isinstance(one, list)
    assert one[1] is other[1]
    assert len(one[0]) < 4096 < len(one[1])


@pytest.mark.parametrize("form", [FORMS["one picture"], FORMS["two pictures"], (*TEXTS, ("image", PNG))])
def test_pictures_that_differ_show_the_same(form):
    """Every request has other bytes in each picture; each can be decoded, strictly, to the same pixels."""
    made = template(form, differ=True)
    sounds = {name: pixels(value.data) for name, value in form if isinstance(value, Upload)}
    seen: dict[str, set[bytes]] = {name: set() for name in sounds}
    for _ in range(3):
        data, told = sent(made)
        for name, value, filename in fields_of(data):
            if filename is not None:
                seen[name].add(value)
                assert pixels(value) == sounds[name]
                assert dict(told)[name].data == value

    assert [len(values) for values in seen.values()] == [3] * len(sounds)


def pixels(data: bytes) -> bytes:
    """What a picture shows; every checksum in it is looked at."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.verify()
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB").tobytes()


def test_mark_of_a_jpeg_follows_what_names_its_kind():
    """JFIF and Exif must come first in a JPEG: the comment comes after them."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    marked = make_mark(out.getvalue(), "own").around(b"0123456789")

    with Image.open(io.BytesIO(marked)) as picture:
        assert picture.getexif()[0x010E] == "a description"
        assert picture.info["comment"] == b"0123456789"


@pytest.mark.parametrize("data", [b"BM a bitmap", b"", b"\x89PNG\r\n\x1a\n without an end"])
def test_picture_that_cannot_differ_is_told(data):
    """Another kind of picture is the user's mistake, told before the first request."""
    with pytest.raises(UserError, match="give a JPEG or PNG") as caught:
        template((*TEXTS, ("image", Upload("own", data))), differ=True)

    assert "JPEG 或 PNG" in caught.value.told("zh")


def test_secret_is_not_in_the_request():
    """Nothing that is sent, nor what a traceback would show of a template, has the secret."""
    made = template(FORMS["one picture"])
    data, form = sent(made)

    assert KEY.api_secret.reveal().encode() not in data
    assert KEY.api_secret.reveal() not in repr(form) + repr(vars(made))


def test_proxy_gets_the_whole_url():
    """To a proxy that fetches, a request names the whole URL, as the client's does."""
    endpoint = Endpoint(ENDPOINT.url, proxy="http://user:pass@proxy.example:3128")
    data, _ = sent(template(endpoint=endpoint))

    assert data.startswith(f"POST {ENDPOINT.url} HTTP/1.1\r\n".encode())
    assert b"\r\nProxy-Authorization: Basic " in data
