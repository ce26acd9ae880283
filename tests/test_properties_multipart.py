"""Forms written by others than us, in all the odd shapes that real clients give them, are read as they were meant."""

import itertools
import re
from dataclasses import dataclass, replace
from email.parser import Parser
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from biztoken.client import Request, encode_request
from biztoken.model import Upload
from biztoken.multipart import PROBLEMS, Form, Part, parse
from biztoken.wire import Endpoint

often = settings(derandomize=True, deadline=None, database=None, max_examples=60)

BOUNDARIES = st.one_of(
    st.text("abcXYZ0189'()+_,-./:=?", min_size=1, max_size=70),
    st.text("-", min_size=1, max_size=70),
    st.builds("{}{}{}".format, st.text("-", max_size=30), st.text("aX0", max_size=10), st.text("-", min_size=1)),
).filter(lambda boundary: len(boundary) <= 70)
# urllib3 writes quotes and line breaks as %22, %0D and %0A (WHATWG) and a backslash as it is, so that two of them, or
# one before the closing quote, cannot be told from an escape.
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["image_ref1%22;filename=%22image", 'image_ref1";filename="image', "a\r\n--X", " ", ";name=b", "=", "\\x"]
    ),
    st.integers(400, 700).map("n".__mul__),
).filter(lambda name: "\\\\" not in name and '\\"' not in name and not name.endswith("\\"))
TYPES = st.none() | st.sampled_from(["image/jpeg", "text/plain; charset=UTF-8", "application/octet-stream"])
FILENAMES = st.none() | NAMES | st.sampled_from([" ", "", "a.jpg", "照片.jpg"])

MOST = 5  # parts of a form
HEAD = b'Content-Disposition: form-data; name="b"\r\n\r\n'

Field = tuple[str, str | None, str | None, bytes]  # name, filename, media type, value


def holds_delimiter(data: bytes, boundary: str, line_break: bytes = rb"\r\n") -> bool:
    """Whether a line of a value is a delimiter, by RFC 2046 section 5.1: then no form can carry the value."""
    marker = re.escape(b"--" + boundary.encode())
    return bool(re.search(rb"(?:\A|%b)%b(?:--|[ \t]*(?:%b|\Z))" % (line_break, marker, line_break), data))


@st.composite
def lookalikes(draw: st.DrawFn, boundary: str, line_break: bytes = rb"\r\n") -> bytes:
    """Bytes full of what looks like a delimiter and is none, with line breaks at either end."""
    marker = b"--" + boundary.encode()
    pieces = [marker, marker + b"x", marker + b"-", marker + b":", marker + b"\r", marker[:-1], b"\r\n" + marker + b"y"]
    pieces += [b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\n" + marker, b"--", b"-", b" ", b"\t", b"x", b"\0", b"\xff"]
    pieces += [b"\n" + marker + b"\n", b" " + marker + b"\r\n", marker * 2, HEAD, b"\r\n" + marker + b"::" + HEAD]
    drawn = st.lists(st.sampled_from(pieces) | st.binary(max_size=5), max_size=8).map(b"".join)
    return draw(drawn.filter(lambda data: not holds_delimiter(data, boundary, line_break)))


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, list[Field]]:
    """A boundary, and fields that it can carry."""
    boundary = draw(BOUNDARIES)
    values = lookalikes(boundary) | st.just(b"")
    return boundary, draw(st.lists(st.tuples(NAMES, FILENAMES, TYPES, values), min_size=1, max_size=MOST))


def escaped(text: str | None) -> str | None:
    """A name as WHATWG has it on the wire."""
    return None if text is None else text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def read_back(form: Form) -> list[Field]:
    """The fields of a form."""
    return [(part.name, part.filename, part.content_type, part.body) for part in form.parts]


@often
@given(forms())
def test_form_of_urllib3_is_read_back(written):
    """Whatever names, filenames, types and values urllib3 encodes, they come back, and nothing is to be reported."""
    boundary, fields = written
    requests = []
    for name, filename, media, value in fields:
        requests.append(RequestField(name, value, filename))
        requests[-1].make_multipart(content_type=media)
    body, content_type = encode_multipart_formdata(requests, boundary)

    form = parse(content_type, body)

    assert read_back(form) == [(escaped(name), escaped(file), media, value) for name, file, media, value in fields]
    assert form.problems == ()


@often
@given(BOUNDARIES, st.dictionaries(NAMES, st.text(max_size=20) | st.integers(), max_size=5))
def test_plain_fields_of_urllib3_are_read_back(boundary, values):
    """A dictionary of texts and numbers, as most callers pass it, comes back in its order as UTF-8."""
    texts = {name: str(value) for name, value in values.items() if not holds_delimiter(str(value).encode(), boundary)}
    body, content_type = encode_multipart_formdata(texts, boundary)

    form = parse(content_type, body)

    due = [(escaped(name), None, None, text.encode()) for name, text in texts.items()]
    assert read_back(form) == due
    assert form.problems == (() if due else ("no-parts",))


@often
@given(
    st.lists(st.tuples(NAMES, st.text(max_size=20) | st.builds(Upload, NAMES, st.binary(), NAMES, TYPES)), max_size=5)
)
def test_our_client_encodes_as_urllib3_does(form):
    """The body that is put together of cached heads is byte for byte the one that urllib3 makes."""
    fields = []
    for name, value in form:
        is_file = isinstance(value, Upload)
        media = (value.media_type or "application/octet-stream") if is_file else None
        data = value.data if is_file else value.encode("utf-8", "surrogatepass")
        fields.append(RequestField(name, data, value.filename if is_file else None))
        fields[-1].make_multipart(content_type=media)

    sent = encode_request(Endpoint("http://h/p", 1.0), "http://h/p", Request(tuple(form)), tuple(form), Random(0))
    head, _, body = sent.partition(b"\r\n\r\n")

    told = Parser().parsestr(head.partition(b"\r\n")[2].decode(), headersonly=True)
    assert (body, told["Content-Type"]) == encode_multipart_formdata(fields, told.get_boundary())
    assert told["Content-Length"] == str(len(body))


@dataclass(frozen=True, slots=True)
class Style:
    """The oddities of a client: legal all, and seen in the wild."""

    preamble: bytes
    epilogue: bytes
    pads: tuple[bytes, ...]
    orders: tuple[tuple[int, ...], ...]
    cases: tuple[str, ...]
    colons: tuple[str, ...]
    extras: tuple[tuple[str, ...], ...]
    is_quoted: bool

    def content_type(self, boundary: str) -> str:
        """The header of the request; a boundary with a colon and the like has quotes as RFC 2045 wants."""
        quote = '"' if self.is_quoted else ""
        return f"multipart/form-data; boundary={quote}{boundary}{quote}"


EXTRAS = [
    "Content-Length:7",
    "Content-Transfer-Encoding: binary",
    "Content-Transfer-Encoding: 8bit",
    "X-Odd: 1; name=z",
]
PLAIN = Style(b"", b"\r\n", (b"",), ((0, 1, 2, 3),), ("title",), (": ",), ((),), is_quoted=False)
LETTER = b"a" + b"aa:" * 30 + b"\r\n" + HEAD  # a preamble that looks like a part, wherever one starts to read


@st.composite
def styles(draw: st.DrawFn, boundary: str) -> Style:
    """Any mixture of oddities."""

    def five(strategy):
        return tuple(draw(st.lists(strategy, min_size=MOST, max_size=MOST)))

    # Before the first delimiter nothing says how lines end, so there a bare LF begins one, too.
    texts = lookalikes(boundary, rb"\r?\n")
    preambles = [b"", b"\r\n", b" --" + boundary.encode() + b"\r\n", LETTER]
    return Style(
        preamble=draw(st.sampled_from(preambles) | texts.map(lambda text: text + b"\r\n")),
        epilogue=draw(st.sampled_from([b"", b"\r\n"]) | st.binary(max_size=9) | lookalikes(boundary)),
        pads=five(st.sampled_from([b"", b"", b" ", b"\t "])),
        orders=five(st.permutations(range(4)).map(tuple)),
        cases=five(st.sampled_from(["title", "lower", "upper", "swapcase"])),
        colons=five(st.sampled_from([":", ": ", ":  ", ":\t", " : "])),
        extras=five(st.lists(st.sampled_from(EXTRAS), max_size=2, unique_by=lambda line: line[:12]).map(tuple)),
        is_quoted=draw(st.booleans()),
    )


def encode(boundary: str, fields: list[Field], style: Style) -> bytes:
    """The form in this style."""
    marker = b"--" + boundary.encode()
    body = style.preamble
    for number, (name, filename, media, value) in enumerate(fields):
        disposition = f'form-data; name="{escaped(name)}"'
        disposition += "" if filename is None else f'; filename="{escaped(filename)}"'
        lines = [("Content-Disposition", disposition), *(tuple(line.split(":", 1)) for line in style.extras[number])]
        lines += [] if media is None else [("Content-Type", media)]
        order = [place for place in style.orders[number] if place < len(lines)]
        headers = [
            getattr(lines[place][0], style.cases[number])() + style.colons[number] + lines[place][1].strip()
            for place in order
        ]
        head = "\r\n".join(headers).encode()
        body += b"%b%b\r\n%b\r\n\r\n%b\r\n" % (marker, style.pads[number], head, value)
    return body + marker + b"--" + style.epilogue


@st.composite
def styled_forms(draw: st.DrawFn) -> tuple[str, list[Field], Style]:
    """A form and how to write it."""
    boundary, fields = draw(forms())
    return boundary, fields, draw(styles(boundary))


@often
@given(styled_forms())
@example(("X", [("a", None, None, b"1")], replace(PLAIN, preamble=LETTER)))
@example(("X", [("a", None, None, b"1\r\n--X::" + HEAD)], PLAIN))
@example(("X", [("a", None, None, b"12--X\r\n" + HEAD)], PLAIN))
def test_form_in_any_legal_style_is_read_back(written):
    """Preamble, padding, dashes, headers of any order, case and spacing, no final CRLF: all read, none reported."""
    boundary, fields, style = written

    form = parse(style.content_type(boundary), encode(boundary, fields, style))

    assert read_back(form) == [(escaped(name), escaped(file), media, value) for name, file, media, value in fields]
    assert form.problems == ()


@often
@given(styled_forms())
def test_form_without_its_end_keeps_what_it_has(written):
    """A form cut before its closing delimiter still gives every part, and is reported as not terminated.

    But for a line break at its very end, which belongs to the delimiter that did not come.
    """
    boundary, fields, style = written
    # At the very end a delimiter that was itself cut short counts as one, and nothing tells it from a value like it.
    assume(not re.search(rb"--%b(-|[ \t]*\r)\Z" % re.escape(boundary.encode()), fields[-1][-1]))
    body = encode(boundary, fields, style)
    end = len(body) - len(style.epilogue) - len(boundary) - 4

    form = parse(style.content_type(boundary), body[: end - 2])

    *firsts, last = (value for *_, value in fields)
    assert [part.body for part in form.parts] == [*firsts, last.removesuffix(b"\r\n")]
    assert form.problems == ("multipart-unterminated",)


def assert_is_documented(form: Form, body: bytes) -> None:
    """What may be relied on for any bytes: known problems, each once, and parts that stand in the body in order."""
    assert set(form.problems) <= set(PROBLEMS)
    assert len(set(form.problems)) == len(form.problems)
    assert form.parts or form.problems
    at = 0
    for part in form.parts:
        assert isinstance(part, Part)
        at = body.find(part.body, at)
        assert at >= 0
        at += len(part.body)


@often
@given(st.text(max_size=40) | st.builds("multipart/form-data; boundary={}".format, st.text(max_size=9)), st.binary())
def test_arbitrary_bytes_give_a_form(content_type, body):
    """Whatever stands in header and body, the answer is a Form as documented, never an exception."""
    assert_is_documented(parse(content_type, body), body)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sound form of which pieces were lost, doubled, moved or replaced by any bytes, its header perhaps included."""
    boundary, fields, style = draw(styled_forms())
    body = bytearray(encode(boundary, fields, style))
    places = st.integers(0, len(body))
    for _ in range(draw(st.integers(1, 6))):
        start, end, to = *sorted((draw(places), draw(places))), draw(places)
        piece = bytes(body[start:end])
        match draw(st.sampled_from(["lose", "double", "move", "replace", "flip", "break"])):
            case "lose":
                del body[start : min(end, start + 9)]
            case "double":
                body[to:to] = piece
            case "move":
                del body[start:end]
                body[to:to] = piece
            case "replace":
                body[start : start + 4] = draw(st.binary(max_size=9))
            case "flip":
                body[start : start + 1] = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in body[start : start + 1])
            case "break":
                body[start:start] = draw(
                    st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--", b'"', b"\\", b";"])
                )
    content_type = style.content_type(boundary)
    cut = draw(st.sampled_from([None, None, None, *range(-4, 0), 19, 25]))
    return content_type[:cut], bytes(body)


@often
@given(damaged())
def test_damaged_form_gives_a_form(written):
    """Whatever happens to a sound form on its way, the answer is a Form as documented, and the same each time."""
    content_type, body = written

    form = parse(content_type, body)

    assert_is_documented(form, body)
    assert parse(content_type, body) == form


@often
@given(styled_forms(), st.data())
def test_damage_in_a_value_stays_in_its_part(written, data):
    """Other bytes in one value, if they are no delimiter, change this part's body and nothing else."""
    boundary, fields, style = written
    number = data.draw(st.integers(0, len(fields) - 1))
    other = data.draw(lookalikes(boundary))
    changed = [*fields]
    changed[number] = (*fields[number][:3], other)

    before, after = (parse(style.content_type(boundary), encode(boundary, these, style)) for these in (fields, changed))

    assert after.parts[number].body == other
    assert after.problems == before.problems
    for one, (place, two) in itertools.zip_longest(before.parts, enumerate(after.parts)):
        assert place == number or one == two


@pytest.mark.parametrize("name", ["image_ref1%22;filename=%22image", 'image_ref1";filename="image'])
@often
@given(boundary=BOUNDARIES, value=st.binary(max_size=20))
def test_php_trick_that_was_escaped_is_an_unknown_field(name, boundary, value):
    """A filename that was smuggled in by the name does not survive escaping: no part is `image_ref1`, none a file."""
    value = b"" if holds_delimiter(value, boundary) else value
    body, content_type = encode_multipart_formdata([(name, value)], boundary)

    (part,) = parse(content_type, body).parts

    assert (part.name, part.filename, part.body) == ("image_ref1%22;filename=%22image", None, value)
