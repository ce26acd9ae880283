"""Our reader of multipart forms against two in wide use: `multipart` (Bottle) and `python_multipart` (Starlette).

Where all three agree, the reading is the common one. Where they do not, the table says why ours is right for a sound
endpoint: one that reads what a client plainly meant, treats values as bytes, and leaves the blame to the lint.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import multipart as defnull
import pytest
import python_multipart
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from biztoken.multipart import parse

# The versions that the tables were written against. Older ones read less; newer ones may make a row stale.
VERSIONS = {"multipart": "2.0.1", "python-multipart": "0.0.34"}
OUTDATED = [f"{package} < {known}" for package, known in VERSIONS.items() if Version(version(package)) < Version(known)]
pytestmark = pytest.mark.skipif(bool(OUTDATED), reason=f"the tables do not hold for {', '.join(OUTDATED)}")

CONTENT_TYPE = "multipart/form-data; boundary=X"
NAME_A = b'Content-Disposition: form-data; name="a"'
REFUSED = "refused"

Field = tuple[str | None, str | None, bytes]
Reading = list[Field] | str
Reader = Callable[[str, bytes], Reading]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """python_multipart logs a warning for each form that it refuses."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def ours(content_type: str, body: bytes) -> Reading:
    """Our fields."""
    return [(part.name, part.filename, part.body) for part in parse(content_type, body).parts]


def with_multipart(content_type: str, body: bytes) -> Reading:
    """The fields that `multipart` reads in its lenient mode."""
    fields: list[Field] = []
    try:
        boundary = defnull.parse_options_header(content_type)[1].get("boundary", "")
        with defnull.PushMultipartParser(boundary) as parser:
            value = b""
            for event in parser.parse(body):
                if isinstance(event, defnull.MultipartSegment):
                    segment, value = event, b""
                elif event is None:
                    fields.append((segment.name, segment.filename, value))
                else:
                    value += event
    except defnull.MultipartError:
        return REFUSED
    return fields


def with_python_multipart(content_type: str, body: bytes) -> Reading:
    """The fields that `python_multipart` hands to its callbacks."""
    fields: list[Field] = []

    def on_field(field: python_multipart.multipart.Field) -> None:
        fields.append(((field.field_name or b"").decode(), None, field.value or b""))

    def on_file(file: python_multipart.multipart.File) -> None:
        file.file_object.seek(0)
        fields.append(((file.field_name or b"").decode(), (file.file_name or b"").decode(), file.file_object.read()))
        file.close()

    try:
        parser = python_multipart.create_form_parser(
            {"Content-Type": content_type.encode("latin-1")}, on_field, on_file
        )
        parser.write(body)
        parser.finalize()
    except (python_multipart.exceptions.FormParserError, UnicodeError):
        return REFUSED
    return fields


def one(header: bytes, value: bytes = b"1") -> bytes:
    """A form of one part with this header block."""
    return b"--X\r\n" + header + b"\r\n\r\n" + value + b"\r\n--X--\r\n"


TWO = b"--X\r\n" + NAME_A + b'\r\n\r\n1\r\n--X\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n--X--\r\n'

AGREED = {
    "plain": (CONTENT_TYPE, TWO),
    "empty-form": (CONTENT_TYPE, b"--X--\r\n"),
    "crlf-before-the-first-boundary": (CONTENT_TYPE, b"\r\n" + TWO),
    "no-final-crlf": (CONTENT_TYPE, TWO.removesuffix(b"\r\n")),
    "epilogue": (CONTENT_TYPE, TWO + b"--X\r\nnonsense"),
    "media-type-in-capitals": ('MULTIPART/FORM-DATA; BOUNDARY="X"', TWO),
    "boundary-quoted": ('multipart/form-data; boundary="a b;c"', TWO.replace(b"--X", b"--a b;c")),
    "boundary-of-dashes": ("multipart/form-data; boundary=----", TWO.replace(b"--X", b"------")),
    "boundary-ends-in-dashes": ("multipart/form-data; boundary=X--", TWO.replace(b"--X", b"--X--")),
    "boundary-of-200": ("multipart/form-data; boundary=" + "b" * 200, TWO.replace(b"X", b"b" * 200)),
    "text-part-with-type": (CONTENT_TYPE, one(NAME_A + b"\r\nContent-Type: text/plain; charset=UTF-8")),
    "text-part-with-length": (CONTENT_TYPE, one(NAME_A + b"\r\nContent-Length: 1")),
    "transfer-encoding-binary": (CONTENT_TYPE, one(NAME_A + b"\r\nContent-Transfer-Encoding: binary", b"\0\xff")),
    "type-before-disposition": (CONTENT_TYPE, one(b"Content-Type: text/plain\r\n" + NAME_A)),
    "header-names-in-any-case": (CONTENT_TYPE, one(b'content-DISPOSITION: Form-Data; NAME="a"; FileName="f"')),
    "header-without-space": (CONTENT_TYPE, one(b'Content-Disposition:form-data;name="a";filename="f"')),
    "name-unquoted": (CONTENT_TYPE, one(b"Content-Disposition: form-data; name=a; filename=f.jpg")),
    "name-with-semicolon": (CONTENT_TYPE, one(b'Content-Disposition: form-data; name="a;b"; filename="; name=c"')),
    "name-with-escaped-quote": (CONTENT_TYPE, one(rb'Content-Disposition: form-data; name="a\"b"')),
    "name-with-the-php-trick": (CONTENT_TYPE, one(b'Content-Disposition: form-data; name="r"; filename="image"')),
    "name-utf-8": (CONTENT_TYPE, one('Content-Disposition: form-data; name="图"; filename="照片.jpg"'.encode())),
    "filename-empty": (CONTENT_TYPE, one(NAME_A + b'; filename=""')),
    "filename-of-one-space": (CONTENT_TYPE, one(NAME_A + b'; filename=" "')),
    "filename-star-and-plain": (CONTENT_TYPE, one(NAME_A + b"; filename=\"f\"; filename*=UTF-8''%41")),
    "file-without-type": (CONTENT_TYPE, one(NAME_A + b'; filename="f"', b"\xff\xd8")),
    "duplicate-names": (CONTENT_TYPE, TWO.replace(b'"b"', b'"a"')),
    "empty-body-of-a-part": (CONTENT_TYPE, one(NAME_A, b"")),
    "boundary-inside-a-line": (CONTENT_TYPE, one(NAME_A, b"1 --X\r\n --X--\r\n\n--X\r\n")),
    "nested": (CONTENT_TYPE, one(NAME_A + b"\r\nContent-Type: multipart/mixed; boundary=Y", b"--Y\r\n\r\n--Y--")),
}  # fmt: skip


@pytest.mark.parametrize("reader", [with_multipart, with_python_multipart])
@pytest.mark.parametrize(("content_type", "body"), AGREED.values(), ids=AGREED)
def test_common_form_is_read_as_others_read_it(reader: Reader, content_type: str, body: bytes) -> None:
    """On forms that ordinary clients send, all three readers give the same fields."""
    assert reader(content_type, body) == ours(content_type, body)


# Neither other reader takes a percent sign, a backslash or a control character as it stands: see the table below.
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='%\\"'), min_size=1, max_size=12)
BODY = st.binary(max_size=40) | st.lists(st.sampled_from([b"\r\n", b"--", b"-", b"x", b"\0", b"X"])).map(b"".join)
BOUNDARY = st.text("abcXYZ0189'+_-.", min_size=1, max_size=70)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(NAME, st.none() | NAME, BODY), min_size=1, max_size=6), BOUNDARY, st.booleans())
def test_generated_form_is_read_alike(fields: list[Field], boundary: str, preamble: bool) -> None:
    """Whatever an ordinary client may fill in, all three readers give back."""
    delimiter = b"--" + boundary.encode()
    assume(all(delimiter not in b"\r\n" + value for *_, value in fields))
    assume(all(name is None or name == name.strip() for field in fields for name in field[:2]))
    body = b"\r\n" if preamble else b""
    for name, filename, value in fields:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        body += b"%b\r\nContent-Disposition: %b\r\n\r\n%b\r\n" % (delimiter, disposition.encode(), value)
    body += delimiter + b"--\r\n"
    content_type = f"multipart/form-data; boundary={boundary}"

    assert ours(content_type, body) == fields
    assert with_multipart(content_type, body) == fields
    assert with_python_multipart(content_type, body) == fields


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A form, what each reader makes of it, and why ours is the reading of a sound endpoint."""

    id: str
    why: str
    body: bytes
    ours: Reading
    multipart: Reading
    python_multipart: Reading
    content_type: str = CONTENT_TYPE


A1: list[Field] = [("a", None, b"1")]
ALLOWED = "The grammar of MIME (RFC 822, RFC 2046) allows it: refusing loses a good request."
REPORTED = "What the client meant is plain, so it is read, and the slug tells what to mend; refusing explains nothing."
VERBATIM = "The endpoint knows parameters by exact name; decoding could turn an unknown field into a known one."
AS_SENT = (
    "RFC 7578 4.7 deprecates the encoding and servers differ: the part stays as sent, and the slug warns the client."
)
FIRST = "The RFCs allow only one; of several parameters WHATWG takes the first."
PERCENT = one(b'Content-Disposition: form-data; name="image_ref1%22;filename=%22image"')

DISAGREEMENTS = [
    Disagreement("preamble-of-text", ALLOWED, b"A form.\r\n" + TWO, [*A1, ("b", None, b"2")],
                 [*A1, ("b", None, b"2")], REFUSED),
    Disagreement("preamble-that-starts-like-the-boundary", ALLOWED, b"--Xylophone\r\n" + TWO,
                 [*A1, ("b", None, b"2")], REFUSED, REFUSED),
    Disagreement("padding-after-the-first-boundary", ALLOWED, TWO.replace(b"--X\r\n", b"--X \r\n", 1),
                 [*A1, ("b", None, b"2")], REFUSED, REFUSED),
    Disagreement("padding-after-a-later-boundary", ALLOWED, TWO.replace(b"1\r\n--X", b"1\r\n--X\t"),
                 [*A1, ("b", None, b"2")], REFUSED, [*A1, ("b", None, b"2")]),
    Disagreement("boundary-unquoted-with-equals",
                 "RFC 2045 wants quotes around it, but there is nothing else it could mean.", TWO.replace(b"X", b"=_1"),
                 [*A1, ("b", None, b"2")], REFUSED, [*A1, ("b", None, b"2")], "multipart/form-data; boundary==_1"),
    Disagreement("boundary-over-256", REPORTED, TWO.replace(b"X", b"b" * 257), [*A1, ("b", None, b"2")],
                 [*A1, ("b", None, b"2")], REFUSED, "multipart/form-data; boundary=" + "b" * 257),
    Disagreement("boundary-twice", FIRST, one(NAME_A), A1, REFUSED, REFUSED, CONTENT_TYPE + "; boundary=Y"),
    Disagreement("multipart-mixed", REPORTED, one(NAME_A), A1, A1, REFUSED, "multipart/mixed; boundary=X"),
    Disagreement("no-closing-boundary", REPORTED, TWO.removesuffix(b"\r\n--X--\r\n"), [*A1, ("b", None, b"2")],
                 REFUSED, A1),
    Disagreement("closing-without-its-dashes", REPORTED, TWO.removesuffix(b"--\r\n"), [*A1, ("b", None, b"2")],
                 REFUSED, A1),
    Disagreement("lf-throughout", REPORTED, TWO.replace(b"\r\n", b"\n"), [*A1, ("b", None, b"2")], REFUSED, REFUSED),
    Disagreement("lf-between-headers", "A name never holds a line break: WHATWG escapes them.",
                 one(b"Content-Disposition: form-data; name=a\nContent-Type: text/plain"), A1, A1,
                 [("a\nContent-Type: text/plain", None, b"1")]),
    Disagreement("lf-boundary-in-a-crlf-form", "A picture may hold these bytes; here only a CRLF makes a line.",
                 one(NAME_A, b"1\r\n--X\n2"), [("a", None, b"1\r\n--X\n2")], REFUSED, [("a", None, b"1\r\n--X\n2")]),
    Disagreement("boundary-with-more-text", "RFC 2046 forbids it, but the line is no boundary and the value plain.",
                 one(NAME_A, b"1\r\n--XY"), [("a", None, b"1\r\n--XY")], REFUSED, [("a", None, b"1\r\n--XY")]),
    Disagreement("boundary-with-blank-and-more-text", "As above: after padding only a line break makes a boundary.",
                 one(NAME_A, b"1\r\n--X Y"), [("a", None, b"1\r\n--X Y")], REFUSED, REFUSED),
    Disagreement("headers-and-no-body", "RFC 2046: a part is headers and, optionally, an empty line and a body.",
                 b"--X\r\n" + NAME_A + b"\r\n\r\n--X--\r\n", [("a", None, b"")], REFUSED, []),
    Disagreement("no-headers", REPORTED, b"--X\r\n\r\n1\r\n" + TWO, [(None, None, b"1"), *A1, ("b", None, b"2")],
                 REFUSED, REFUSED),
    Disagreement("no-name", "None says that the name is absent; it is not the empty name.",
                 one(b'Content-Disposition: form-data; filename="f"'), [(None, "f", b"1")], [("", "f", b"1")],
                 REFUSED),
    Disagreement("header-folded", ALLOWED, one(b'Content-Disposition: form-data;\r\n name="a"'), A1, A1, REFUSED),
    Disagreement("header-with-blank-before-the-colon", ALLOWED, one(b"Content-Disposition : form-data; name=a"),
                 A1, A1, REFUSED),
    Disagreement("header-without-colon", REPORTED, one(b"Nonsense\r\n" + NAME_A), A1, REFUSED, REFUSED),
    Disagreement("header-of-5000-bytes", "A long filename is no attack: all headers of a part may have 16 kB.",
                 one(NAME_A + b"\r\nX-A: " + b"x" * 5000), A1, REFUSED, REFUSED),
    Disagreement("nine-headers", "The limit is in bytes, not in headers.", one(NAME_A + b"\r\nX-A: 1" * 8), A1,
                 REFUSED, REFUSED),
    Disagreement("attachment", REPORTED, one(b"Content-Disposition: attachment; name=a"), A1, REFUSED, A1),
    Disagreement("two-dispositions", FIRST, one(NAME_A + b"\r\nContent-Disposition: form-data; name=b"), A1,
                 [("b", None, b"1")], [("b", None, b"1")]),
    Disagreement("name-twice", FIRST, one(NAME_A + b"; name=b"), A1, [("b", None, b"1")], [("b", None, b"1")]),
    Disagreement("length-of-a-part-is-wrong", "RFC 7578 4.8: a part's other headers MUST be ignored.",
                 one(NAME_A + b"\r\nContent-Length: 9"), A1, REFUSED, A1),
    Disagreement("transfer-encoding-base64", AS_SENT, one(NAME_A + b"\r\nContent-Transfer-Encoding: base64", b"MQ=="),
                 [("a", None, b"MQ==")], [("a", None, b"MQ==")], A1),
    Disagreement("transfer-encoding-quoted-printable", AS_SENT,
                 one(NAME_A + b"\r\nContent-Transfer-Encoding: quoted-printable", b"=31"), [("a", None, b"=31")],
                 [("a", None, b"=31")], A1),
    Disagreement("name-percent-escaped", VERBATIM, PERCENT, [("image_ref1%22;filename=%22image", None, b"1")],
                 [('image_ref1";filename="image', None, b"1")], [("image_ref1%22;filename=%22image", None, b"1")]),
    Disagreement("name-unclosed", REPORTED, one(b'Content-Disposition: form-data; name="a'), A1, [("", None, b"1")],
                 [('"a', None, b"1")]),
    Disagreement("name-with-doubled-backslash",
                 "A quoted-pair of RFC 2045, as libcurl before 7.81 and urllib3 1.26 write it.",
                 one(rb'Content-Disposition: form-data; name="a\\b"'), [("a\\b", None, b"1")],
                 [("a\\\\b", None, b"1")], [("a\\b", None, b"1")]),
    Disagreement("filename-windows-path", "The name is shown as sent; nothing opens a file by it, so nothing is cut.",
                 one(NAME_A + rb'; filename="C:\path\x.jpg"'), [("a", r"C:\path\x.jpg", b"1")],
                 [("a", "x.jpg", b"1")], [("a", "x.jpg", b"1")]),
    Disagreement("filename-star-alone", "RFC 7578 4.2 forbids it, but without it a picture looks like a text field.",
                 one(NAME_A + b"; filename*=UTF-8''%e5%a5%bd.jpg"), [("a", "好.jpg", b"1")], A1, A1),
    Disagreement("filename-not-utf-8", "A filename in GBK costs the picture nothing.",
                 one(NAME_A + b'; filename="\xd5\xd5"'), [("a", "\ufffd\ufffd", b"1")], REFUSED, REFUSED),
]  # fmt: skip


@pytest.mark.parametrize("row", DISAGREEMENTS, ids=lambda row: row.id)
def test_disagreement_is_known(row: Disagreement) -> None:
    """Each difference from the other readers is one that we chose."""
    assert ours(row.content_type, row.body) == row.ours
    for package, reader, expected in (
        ("multipart", with_multipart, row.multipart),
        ("python-multipart", with_python_multipart, row.python_multipart),
    ):
        reading = reader(row.content_type, row.body)
        if reading != expected and version(package) != VERSIONS[package]:
            pytest.xfail(f"stale row: {package} {version(package)} reads {reading!r}, not {expected!r}")
        assert reading == expected, package
