"""What the reader of multipart forms makes of every form a real client sends, and of the ones nobody should."""

import time
import tracemalloc
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biztoken import multipart
from biztoken.multipart import MAX_HEADER_BYTES, MAX_PARTS, PROBLEMS, Form, Part, parse

CONTENT_TYPE = "multipart/form-data; boundary=X"
NAME_A = b'Content-Disposition: form-data; name="a"'

Field = tuple[str | None, str | None, bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """A form, the (name, filename, body) of its parts, and the slugs it earns."""

    id: str
    body: bytes
    fields: list[Field]
    problems: tuple[str, ...] = ()
    content_type: str = CONTENT_TYPE


def fields_of(form: Form) -> list[Field]:
    """What most tests compare."""
    return [(part.name, part.filename, part.body) for part in form.parts]


def one(header: bytes, value: bytes = b"1") -> bytes:
    """A form of one part with this header block."""
    return b"--X\r\n" + header + b"\r\n\r\n" + value + b"\r\n--X--\r\n"


def parse_slowly(content_type: str, body: bytes) -> Form:
    """Parse without the fast path."""
    with patch.object(multipart, "_read_plain", return_value=None):
        return parse(content_type, body)


A1: list[Field] = [("a", None, b"1")]
ALLOWED_HEADERS = (
    b"\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 99\r\nContent-Transfer-Encoding: binary"
)
WELL_FORMED = one(NAME_A)
TWO = b"--X\r\n" + NAME_A + b'\r\n\r\n1\r\n--X\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n'

CASES = [
    # Around the parts
    Case("well-formed", WELL_FORMED, A1),
    Case("preamble", b"This is a form.\r\nRead it.\r\n" + WELL_FORMED, A1),
    Case("preamble-of-one-crlf", b"\r\n" + WELL_FORMED, A1),
    Case("preamble-with-text-that-starts-like-it", b"--Xylophone\r\nnot --X\r\n" + WELL_FORMED, A1),
    Case("preamble-glued-to-the-boundary", b"junk" + WELL_FORMED, [], ("no-parts",)),
    Case("no-final-crlf", WELL_FORMED.removesuffix(b"\r\n"), A1),
    Case("epilogue", WELL_FORMED + b'--X\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n--X--\r\n', A1),
    Case("epilogue-glued-to-the-boundary", WELL_FORMED.removesuffix(b"\r\n") + b"\0\0", A1),
    Case("closing-padded", WELL_FORMED.removesuffix(b"\r\n") + b" \t \r\n", A1),
    Case("padding", b"--X \t\r\n" + NAME_A + b"\r\n\r\n1\r\n--X\t \r\n" + NAME_A + b"\r\n\r\n2\r\n--X--",
         [*A1, ("a", None, b"2")]),
    Case("no-closing-boundary", TWO, [*A1, ("b", None, b"2")], ("multipart-unterminated",)),
    Case("closing-without-its-dashes", TWO + b"--X", [*A1, ("b", None, b"2")], ("multipart-unterminated",)),
    Case("closing-cut-after-one-dash", TWO + b"--X-", [*A1, ("b", None, b"2")], ("multipart-unterminated",)),
    Case("closing-cut-after-cr", TWO + b"--X\r", [*A1, ("b", None, b"2")], ("multipart-unterminated",)),
    Case("opened-and-never-filled", TWO + b"--X\r\n", [*A1, ("b", None, b"2")], ("multipart-unterminated",)),
    Case("cut-inside-the-boundary", TWO + b"--", [*A1, ("b", None, b"2\r\n--")], ("multipart-unterminated",)),
    Case("cut-inside-a-header", b"--X\r\nContent-Disposition: form-da", [(None, None, b"")],
         ("multipart-unterminated", "header-unterminated", "part-not-form-data", "part-without-name")),
    Case("empty-body", b"", [], ("no-parts",)),
    Case("closing-only", b"--X--\r\n", [], ("no-parts",)),
    Case("opening-only", b"--X\r\n", [], ("multipart-unterminated", "no-parts")),
    Case("opened-and-closed", b"--X\r\n--X--\r\n", [(None, None, b"")], ("part-without-name",)),
    Case("opened-and-closed-with-an-empty-line", b"--X\r\n\r\n--X--\r\n", [(None, None, b"")],
         ("part-without-name",)),
    Case("opened-twice", b"--X\r\n" + WELL_FORMED, [(None, None, b""), *A1], ("part-without-name",)),
    Case("opened-twice-with-a-boundary-like-a-header", b"--a:b\r\n" + WELL_FORMED.replace(b"X", b"a:b"),
         [(None, None, b""), *A1], ("part-without-name",), "multipart/form-data; boundary=a:b"),
    Case("foreign-boundary", b"--Y\r\n" + NAME_A + b"\r\n\r\n1\r\n--Y--\r\n", [], ("boundary-not-found",)),
    Case("urlencoded-body", b"a=1&b=2", [], ("boundary-not-found",)),
    # The media type and the boundary
    Case("media-type-in-capitals", WELL_FORMED, A1, content_type='MULTIPART/Form-Data; BOUNDARY="X"'),
    Case("boundary-quoted", b"--a b;c\r\n" + NAME_A + b"\r\n\r\n1\r\n--a b;c--", A1,
         content_type='multipart/form-data;boundary="a b;c"'),
    Case("boundary-unquoted-with-equals", WELL_FORMED.replace(b"X", b"=_Part:1/2=="), A1,
         content_type="multipart/form-data; boundary==_Part:1/2== ; charset=UTF-8"),
    Case("boundary-with-escapes", WELL_FORMED.replace(b"X", b'a"b'), A1,
         content_type=r'multipart/form-data; boundary="a\"b"'),
    Case("boundary-latin-1", WELL_FORMED.replace(b"X", b"\xe9"), A1,
         content_type="multipart/form-data; boundary=\xe9"),
    Case("boundary-twice", WELL_FORMED, A1, content_type=CONTENT_TYPE + "; boundary=Y"),
    Case("boundary-of-dashes", b"------\r\n" + NAME_A + b"\r\n\r\n-------\r\n------x\r\n--------\r\n",
         [("a", None, b"-------\r\n------x")], content_type="multipart/form-data; boundary=----"),
    Case("boundary-ends-in-dashes", b"--X--\r\n" + NAME_A + b"\r\n\r\n--X\r\n--X----\r\n", [("a", None, b"--X")],
         content_type="multipart/form-data; boundary=X--"),
    Case("boundary-of-70", WELL_FORMED.replace(b"X", b"b" * 70), A1,
         content_type=f"multipart/form-data; boundary={'b' * 70}"),
    Case("boundary-of-71", WELL_FORMED.replace(b"X", b"b" * 71), A1, ("boundary-over-70",),
         f"multipart/form-data; boundary={'b' * 71}"),
    Case("boundary-of-2000", WELL_FORMED.replace(b"X", b"b" * 2000), A1, ("boundary-over-70",),
         f"multipart/form-data; boundary={'b' * 2000}"),
    Case("boundary-missing", WELL_FORMED, [], ("boundary-missing",), "multipart/form-data"),
    Case("boundary-empty", WELL_FORMED, [], ("boundary-missing",), 'multipart/form-data; boundary=""'),
    Case("boundary-of-two-lines", WELL_FORMED, [], ("boundary-missing",), 'multipart/form-data; boundary="X\r\nX"'),
    Case("boundary-outside-latin-1", WELL_FORMED, [], ("boundary-not-found",),
         "multipart/form-data; boundary=\u597d\ud800"),
    Case("not-form-data", WELL_FORMED, A1, ("not-form-data",), "multipart/mixed; boundary=X"),
    Case("urlencoded-type", WELL_FORMED, [], ("not-multipart",), "application/x-www-form-urlencoded"),
    Case("no-type", WELL_FORMED, [], ("not-multipart",), ""),
    # Line endings
    Case("lf-throughout", TWO.replace(b"\r\n", b"\n") + b"--X--\n", [*A1, ("b", None, b"2")], ("lf-line-endings",)),
    Case("lf-after-a-preamble", b"\n" + WELL_FORMED.replace(b"\r\n", b"\n"), A1, ("lf-line-endings",)),
    Case("lf-body-of-crlf-lines", b"--X\n" + NAME_A + b"\n\n1\r\n2\r\n--X--\n", [("a", None, b"1\r\n2")],
         ("lf-line-endings",)),
    Case("lf-without-parts", b"--X\n--X--\n", [(None, None, b"")], ("lf-line-endings", "part-without-name")),
    Case("lf-opened-twice", b"--X\n" + NAME_A + b"\n\n1\n--X\n--X--", [*A1, (None, None, b"")],
         ("lf-line-endings", "part-without-name")),
    Case("lf-between-headers", one(NAME_A + b"\nContent-Type: text/plain"), A1, ("lf-line-endings",)),
    Case("lf-blank-line", b"--X\r\n" + NAME_A + b"\n\nfoo: 1\r\n\r\n2\r\n--X--", [("a", None, b"foo: 1\r\n\r\n2")],
         ("lf-line-endings",)),
    Case("lf-delimiter-in-a-crlf-form", one(NAME_A, b"1\n--X\n--X--\n\r\n--X\n2"),
         [("a", None, b"1\n--X\n--X--\n\r\n--X\n2")]),
    # Headers of a part
    Case("header-names-in-any-case", one(b'CONTENT-disposition: FORM-data; NAME="a"; FileName="f"'),
         [("a", "f", b"1")]),
    Case("header-without-space", one(b'Content-Disposition:form-data;name="a";filename="f"'), [("a", "f", b"1")]),
    Case("header-with-many-spaces", one(b'Content-Disposition \t: \tform-data ; name = "a" \t; filename = f '),
         [("a", "f", b"1")]),
    Case("header-folded", one(b'Content-Disposition: form-data;\r\n\t name="a";\r\n filename="f"\r\n '),
         [("a", "f", b"1")]),
    Case("type-before-disposition", one(b"Content-Type: text/plain\r\n" + NAME_A), A1),
    Case("text-part-with-everything", one(NAME_A + ALLOWED_HEADERS), A1),
    Case("transfer-encoding-8bit", one(NAME_A + b"\r\nContent-Transfer-Encoding: 8bit", b"\xff"),
         [("a", None, b"\xff")]),
    Case("transfer-encoding-7bit", one(NAME_A + b"\r\nContent-Transfer-Encoding: 7bit"), A1),
    Case("transfer-encoding-base64", one(NAME_A + b"\r\nContent-Transfer-Encoding: BASE64", b"MQ=="),
         [("a", None, b"MQ==")], ("part-transfer-encoding-base64",)),
    Case("transfer-encoding-quoted-printable",
         one(NAME_A + b"\r\ncontent-transfer-encoding:quoted-printable", b"=31"), [("a", None, b"=31")],
         ("part-transfer-encoding-quoted-printable",)),
    Case("no-disposition", one(b"Content-Type: text/plain"), [(None, None, b"1")], ("part-without-name",)),
    Case("no-headers", b"--X\r\n\r\nfoo: 1\r\n\r\n2\r\n--X--", [(None, None, b"foo: 1\r\n\r\n2")],
         ("part-without-name",)),
    Case("no-name", one(b'Content-Disposition: form-data; filename="f"'), [(None, "f", b"1")],
         ("part-without-name",)),
    Case("attachment", one(b'Content-Disposition: attachment; name="a"'), A1, ("part-not-form-data",)),
    Case("two-dispositions", one(NAME_A + b'\r\nContent-Disposition: form-data; name="b"'), A1,
         ("header-duplicate",)),
    Case("header-without-colon", one(b"Nonsense\r\n" + NAME_A), A1, ("header-malformed",)),
    Case("header-without-name", one(b": nonsense\r\n" + NAME_A), A1, ("header-malformed",)),
    Case("no-blank-line", b"--X\r\n" + NAME_A + b"\r\n--X--\r\n", [("a", None, b"")], ("header-unterminated",)),
    Case("headers-and-no-body", b"--X\r\n" + NAME_A + b"\r\n\r\n--X--\r\n", [("a", None, b"")]),
    Case("empty-body-of-a-part", one(NAME_A, b""), [("a", None, b"")]),
    Case("header-of-16-kb", one(NAME_A + b"\r\nX: " + b"x" * (MAX_HEADER_BYTES - len(NAME_A) - 5)), A1),
    Case("header-over-16-kb", one(NAME_A + b"\r\nX: " + b"x" * (MAX_HEADER_BYTES - len(NAME_A) - 4)), [],
         ("header-too-large", "no-parts")),
    Case("picture-without-blank-line", b"--X\r\n" + NAME_A + b"\r\n" + b"x" * 60_000 + b"\r\n" + WELL_FORMED, A1,
         ("header-too-large",)),
    # Names and filenames
    Case("name-unquoted", one(b"Content-Disposition: form-data; name=a; filename=f.jpg"), [("a", "f.jpg", b"1")]),
    Case("name-empty", one(b'Content-Disposition: form-data; name=""'), [("", None, b"1")]),
    Case("name-twice", one(NAME_A + b'; name="b"'), A1, ("header-malformed",)),
    Case("name-with-semicolon", one(b'Content-Disposition: form-data; name="a;b"; filename="; name=c"'),
         [("a;b", "; name=c", b"1")]),
    Case("name-with-escapes", one(rb'Content-Disposition: form-data; name="a\"b\\c"'), [('a"b\\c', None, b"1")]),
    Case("name-utf-8", one('Content-Disposition: form-data; name="图"; filename="照片.jpg"'.encode()),
         [("图", "照片.jpg", b"1")]),
    Case("name-gbk", one('Content-Disposition: form-data; name="a"; filename="照片.jpg"'.encode("gbk")),
         [("a", "\ufffd\ufffdƬ.jpg", b"1")], ("header-not-utf-8",)),
    Case("name-with-replacement-character", one('Content-Disposition: form-data; name="\ufffd"'.encode()),
         [("\ufffd", None, b"1")]),
    Case("name-percent-escaped", one(b'Content-Disposition: form-data; name="image_ref1%22;filename=%22image"'),
         [("image_ref1%22;filename=%22image", None, b"1")]),
    Case("name-percent-crlf", one(b'Content-Disposition: form-data; name="a%0D%0Ab"; filename="%22"'),
         [("a%0D%0Ab", "%22", b"1")]),
    Case("name-with-the-php-trick", one(b'Content-Disposition: form-data; name="image_ref1"; filename="image"'),
         [("image_ref1", "image", b"1")]),
    Case("name-with-the-php-trick-escaped",
         one(rb'Content-Disposition: form-data; name="image_ref1\"; filename=\"image"'),
         [('image_ref1"; filename="image', None, b"1")]),
    Case("name-ends-in-backslash", one(rb'Content-Disposition: form-data; name="a\"'), [("a\\", None, b"1")],
         ("header-malformed",)),
    Case("name-unclosed", one(b'Content-Disposition: form-data; name="a'), A1, ("header-malformed",)),
    Case("name-unclosed-and-empty", one(b'Content-Disposition: form-data; name="'), [("", None, b"1")],
         ("header-malformed",)),
    Case("parameter-without-value", one(b'Content-Disposition: form-data; foo; name="a"'), A1),
    Case("filename-empty", one(NAME_A + b'; filename=""'), [("a", "", b"1")]),
    Case("filename-of-one-space", one(NAME_A + b'; filename=" "'), [("a", " ", b"1")]),
    Case("filename-windows-path", one(NAME_A + rb'; filename="C:\path\x.jpg"'), [("a", r"C:\path\x.jpg", b"1")]),
    Case("filename-star", one(NAME_A + b"; filename*=UTF-8''%e5%a5%bd.jpg"), [("a", "好.jpg", b"1")],
         ("part-filename-star",)),
    Case("filename-star-latin-1", one(NAME_A + b"; FILENAME*=iso-8859-1'en'%e9.jpg"), [("a", "é.jpg", b"1")],
         ("part-filename-star",)),
    Case("filename-star-and-plain", one(NAME_A + b"; filename*=UTF-8''%41; filename=b"), [("a", "b", b"1")],
         ("part-filename-star",)),
    Case("filename-star-unknown-charset", one(NAME_A + b"; filename*=gbk''%41"), [("a", "gbk''%41", b"1")],
         ("part-filename-star",)),
    Case("filename-star-without-charset", one(NAME_A + b"; filename*=%41"), [("a", "%41", b"1")],
         ("part-filename-star",)),
    # What a part may hold
    Case("boundary-not-at-line-start", one(NAME_A, b"1 --X\r\n --X--\r\n\r--X\r\n"),
         [("a", None, b"1 --X\r\n --X--\r\n\r--X\r\n")]),
    Case("boundary-with-more-text", one(NAME_A, b"1\r\n--XY\r\n--X-\r\n--X x\r\n--X\r\r\n-- X--"),
         [("a", None, b"1\r\n--XY\r\n--X-\r\n--X x\r\n--X\r\r\n-- X--")]),
    Case("boundary-with-a-header-after-it", one(NAME_A, b"1\r\n--X::" + NAME_A + b"\r\n\r\n2"),
         [("a", None, b"1\r\n--X::" + NAME_A + b"\r\n\r\n2")]),
    Case("null-bytes", one(NAME_A, b"\0\r\n\0\r\n\r\n"), [("a", None, b"\0\r\n\0\r\n\r\n")]),
    Case("null-byte-in-a-name", one(b'Content-Disposition: form-data; name="a\0"'), [("a\0", None, b"1")]),
    Case("nested-multipart",
         one(NAME_A + b"\r\nContent-Type: multipart/mixed; boundary=Y", b"--Y\r\n\r\n2\r\n--Y--\r\n"),
         [("a", None, b"--Y\r\n\r\n2\r\n--Y--\r\n")]),
    Case("duplicate-names-in-order", TWO + TWO + b"--X--", [*A1, ("b", None, b"2"), *A1, ("b", None, b"2")]),
    Case("file-without-type", one(NAME_A + b'; filename="f"', b"\xff\xd8"), [("a", "f", b"\xff\xd8")]),
    Case("as-many-parts-as-allowed", (b"--X\r\n" + NAME_A + b"\r\n\r\n1\r\n") * MAX_PARTS + b"--X--", A1 * MAX_PARTS),
    Case("as-many-parts-as-allowed-unterminated", (b"--X\r\n" + NAME_A + b"\r\n\r\n1\r\n") * MAX_PARTS + b"--X",
         A1 * MAX_PARTS, ("multipart-unterminated",)),
    Case("one-part-too-many", (b"--X\r\n" + NAME_A + b"\r\n\r\n1\r\n") * (MAX_PARTS + 1) + b"--X--", A1 * MAX_PARTS,
         ("too-many-parts",)),
    Case("100000-parts", (b"--X\r\n" + NAME_A + b"\r\n\r\n1\r\n") * 100_000 + b"--X--", A1 * MAX_PARTS,
         ("too-many-parts",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_oddity_is_read_and_reported(case: Case) -> None:
    """An odd form yields the parts its client meant, and a slug for what the client should change."""
    form = parse(case.content_type, case.body)

    assert fields_of(form) == case.fields
    assert sorted(form.problems) == sorted(case.problems)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_slow_path_reads_every_case_alike(case: Case) -> None:
    """The fast path is an optimisation: without it every case reads the same."""
    assert parse_slowly(case.content_type, case.body) == parse(case.content_type, case.body)


def test_every_problem_is_provoked_and_explained() -> None:
    """PROBLEMS lists exactly the slugs that the cases above provoke."""
    assert {problem for case in CASES for problem in case.problems} == set(PROBLEMS)


def test_ids_of_cases_are_unique() -> None:
    """No case hides another."""
    assert len({case.id for case in CASES}) == len(CASES)


def test_part_keeps_headers_and_type_as_sent() -> None:
    """Headers keep their order and spelling, so that a dump can show them."""
    body = one(
        b'content-TYPE:image/jpeg;\r\n\tq=1\r\nX-Empty:\r\nContent-Disposition: form-data; name="a"; filename="f"'
    )

    assert parse(CONTENT_TYPE, body).parts == (
        Part(
            "a",
            "f",
            "image/jpeg; q=1",
            (
                ("content-TYPE", "image/jpeg; q=1"),
                ("X-Empty", ""),
                ("Content-Disposition", 'form-data; name="a"; filename="f"'),
            ),
            b"1",
        ),
    )


def test_only_spaces_and_tabs_are_blanks() -> None:
    """A header value keeps a blank that MIME does not count as one."""
    form = parse(CONTENT_TYPE, one(NAME_A + "\r\nX-A: \t\u3000\r\n\t\x0b ".encode()))

    assert form.parts[0].headers[1] == ("X-A", "\u3000 \x0b")


def test_absent_and_empty_type_differ() -> None:
    """None says that no Content-Type was sent, the empty string that an empty one was."""
    assert parse(CONTENT_TYPE, one(NAME_A)).parts[0].content_type is None
    assert parse(CONTENT_TYPE, one(NAME_A + b"\r\nContent-Type:")).parts[0].content_type == ""


def test_plain_form_takes_the_fast_path() -> None:
    """The form of an ordinary client is read without the slow path."""
    with patch.object(multipart, "_find", side_effect=AssertionError):
        assert fields_of(parse(CONTENT_TYPE, TWO + b"--X--\r\n")) == [*A1, ("b", None, b"2")]


@pytest.mark.parametrize("preamble", [b"", b"\r\n"], ids=["fast", "slow"])
def test_picture_is_copied_once(preamble: bytes) -> None:
    """Reading a large part takes the memory of one copy of it."""
    body = preamble + one(NAME_A + b'; filename="f"', bytes(4_000_000))
    tracemalloc.start()

    try:
        form = parse(CONTENT_TYPE, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(form.parts[0].body) == 4_000_000
    assert peak < 4_100_000


@pytest.mark.parametrize(
    ("boundary", "body"),
    [
        ("-" * 70, b"-" * 2_000_000),
        ("-" * 70, b"\n" + b"-" * 72 + b"\n" + b"\n-" * 1_000_000),
        ("X", b"--X\r\n" + b"\r\n--Xx" * 300_000),
        ("X", b"--X\r\n" + b"\r\n--X" + b" " * 2_000_000),
        ("X", one(b'Content-Disposition: form-data; name="' + b"\\" * 16_000)),
        ("X", one(b"Content-Disposition: form-data;" + b" " * 16_000)),
        ("X", one(b"Content-Disposition: form-data" + b';="' * 5_000)),
        ("X", one(b"a:" + b"\r\n b" * 4_000)),
        ("X", (b"--X\r\n" + b"x" * 16_000 + b"\r\n") * 1_000 + b"--X--"),
    ],
    ids=["dashes", "dash-lines", "near-misses", "padding", "escapes", "blanks", "quotes", "folds", "large-headers"],
)
def test_hostile_form_costs_little(boundary: str, body: bytes) -> None:
    """No form of 2 MB takes quadratic time: each takes under 0.3 s, and the bound leaves room for a slow machine."""
    start = time.process_time()

    parse(f"multipart/form-data; boundary={boundary}", body)

    assert time.process_time() - start < 2


# Generated forms

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz/+-.0123456789", min_size=1, max_size=12)
BOUNDARY = st.text("abcXYZ0189'()+_,-./:=?", min_size=1, max_size=70) | st.text("-", min_size=1, max_size=4)
BODY = st.binary(max_size=40) | st.lists(st.sampled_from([b"\r\n", b"\n", b"--", b"-", b"x", b"\0"])).map(b"".join)
GENERATED_PART = st.tuples(TEXT, st.none() | TEXT, st.none() | TOKEN, BODY)
# Enough of the syntax that chance makes forms of it.
FRAGMENTS = [
    b"--X", b"--X--", b"\r\n", b"\r\n", b"\n", b"\r", b"--", b"-", b" ", b"\t", b"\0", b"\xff", b"x", b'"', b"\\", b";",
    b":", b"\r\n--X\r\n", NAME_A, NAME_A + b"\r\n\r\n", b'; filename="f"', b"; filename*=UTF-8''%41",
    b"Content-Type: text/plain", b"\r\nContent-Transfer-Encoding: base64",
]  # fmt: skip
SOUP = st.lists(st.sampled_from(FRAGMENTS), max_size=24).map(b"".join)


def quoted(value: str) -> str:
    """The value as a quoted-string."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encode(parts: list[tuple[str, str | None, str | None, bytes]], boundary: str) -> bytes:
    """The form as RFC 7578 wants it, with quoted-pairs as in RFC 2045."""
    body = b""
    for name, filename, media, value in parts:
        header = f"Content-Disposition: form-data; name={quoted(name)}"
        header += f"; filename={quoted(filename)}" if filename is not None else ""
        header += f"\r\nContent-Type: {media}" if media is not None else ""
        body += b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), header.encode(), value)
    return body + b"--%b--\r\n" % boundary.encode()


@settings(deadline=None)
@given(st.lists(GENERATED_PART, min_size=1, max_size=6), BOUNDARY, st.booleans())
def test_encoded_form_is_read_back(
    parts: list[tuple[str, str | None, str | None, bytes]], boundary: str, slowly: bool
) -> None:
    """What an RFC encoder writes is read back part for part, without a problem, on either path."""
    assume(all(b"--" + boundary.encode() not in b"\r\n" + body for *_, body in parts))
    content_type = f"multipart/form-data; boundary={quoted(boundary)}"

    form = (parse_slowly if slowly else parse)(content_type, encode(parts, boundary))

    assert [(part.name, part.filename, part.content_type, part.body) for part in form.parts] == parts
    assert form.problems == ()


@settings(deadline=None)
@given(
    st.text(max_size=30) | st.just(CONTENT_TYPE) | st.text(max_size=10).map("multipart/form-data; ".__add__),
    st.binary() | SOUP,
)
def test_no_bytes_raise(content_type: str, body: bytes) -> None:
    """Whatever is sent, the answer is a Form of known problems."""
    form = parse(content_type, body)

    assert set(form.problems) <= set(PROBLEMS)
    assert form.parts or form.problems


@settings(deadline=None, max_examples=500)
@given(SOUP | SOUP.map(lambda soup: b"--X\r\n" + soup + b"\r\n--X--\r\n"))
def test_paths_agree_on_anything(body: bytes) -> None:
    """Fast and slow path give one answer for any bytes."""
    assert parse(CONTENT_TYPE, body) == parse_slowly(CONTENT_TYPE, body)


@settings(deadline=None)
@given(st.lists(st.tuples(SOUP, SOUP), max_size=4))
def test_paths_agree_on_odd_headers(parts: list[tuple[bytes, bytes]]) -> None:
    """Fast and slow path give one answer for well cut forms of any headers."""
    body = b"".join(b"--X\r\n" + NAME_A + header + b"\r\n\r\n" + value + b"\r\n" for header, value in parts) + b"--X--"

    assert parse(CONTENT_TYPE, body) == parse_slowly(CONTENT_TYPE, body)


@given(SOUP)
def test_cache_changes_nothing(block: bytes) -> None:
    """A header block reads the same from the cache as anew."""
    multipart._head(block)

    assert multipart._head(block) == multipart._head.__wrapped__(block)
