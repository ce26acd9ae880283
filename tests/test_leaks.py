"""The search for leaks: every spelling is found, each by its own rule, and nothing is where nothing is."""

from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import quopri
import re
import sys
import time
from pathlib import Path
from random import Random
from urllib.parse import quote, quote_plus

import click
import pytest

from biztoken import leaks
from biztoken.cli import main
from biztoken.contract import bundled
from biztoken.leaks import CHUNK, Leak, Recorder, canaries, needles_of, problem, search, search_text
from biztoken.leaks.canary import our_texts
from biztoken.mock.keys import demo_keys
from biztoken.model import Upload
from biztoken.people import Person, make_number, make_person
from biztoken.pictures import Pictures
from biztoken.settings import Target
from biztoken.signing import Key, Secret, make_sign

ROOT = Path(__file__).resolve().parents[1]
URL = "http://127.0.0.1:1/faceid/v3/sdk/get_biz_token"
NAME, NUMBER = "欧阳明超", "990101198711236914"
DIGITS = "8362519407"
PERSON = Person(NAME, NUMBER)
SECRET = "qW7cVh2Zt9LmXr4e-8KpNs3YbJdF6uAa"
ODD = "a\"b'c<d>&e 好%f\\g/h+i=j𠮷"
AROUND = ("{}", "x{}", "xy{}", '"{}"', "word " * 9 + "{}" + " word" * 9)


def target(secret: str = SECRET, *, url: str = URL, proxy: str | None = None) -> Target:
    """A target with one key."""
    return Target("t", url, {"active": Key("key", Secret(secret))}, proxy=proxy)


def found(tmp_path: Path, data: bytes, wanted: tuple[leaks.Canary, ...]) -> set[tuple[str, str]]:
    """Canary and spelling of each leak in a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(data)
    return {(leak.canary, leak.spelling) for leak in search([path], wanted)}


def canary(text: str) -> tuple[leaks.Canary, ...]:
    """A canary of one text."""
    return (leaks.Canary("it", needles_of(text)),)


def entities(text: str, form: str) -> str:
    """Each character as an entity."""
    return "".join(form.format(ord(char)) for char in text)


def misread(text: str, code: str = "utf-8") -> str:
    """Bytes read as Latin-1."""
    return text.encode(code).decode("latin-1")


def php(text: str) -> str:
    """JSON as PHP writes it."""
    return json.dumps(text)[1:-1].replace("/", "\\/")


def go(text: str) -> str:
    """JSON as Go writes it."""
    told = json.dumps(text, ensure_ascii=False)[1:-1]
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")


# How a text may be written: by spelling, made by what others use, not by what the search does.
WRITTEN = {
    "plain": [str],
    "folded": [lambda text: text.replace("  ", " ")],
    "shell": [lambda text: text.replace("'", "'\"'\"'")],
    "utf-16": [
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le")[:-1].decode().replace("\0", "\\u0000"),
        lambda text: text.encode("utf-16-le").decode().replace("\0", "␀"),
    ],
    "JSON": [
        json.dumps,
        lambda text: json.dumps(json.dumps(text)),
        lambda text: json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False),
        lambda text: re.sub(r"(?<=\\u)....", lambda match: match[0].upper(), json.dumps(text)),
        lambda text: re.sub("....", r"\\u\g<0>", text.encode("utf-16-be").hex()),
        php,
        go,
    ],
    "URL": [
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text)),
        lambda text: quote(text).lower(),
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    ],
    "HTML": [
        html.escape,
        lambda text: html.escape(html.escape(text)),
        lambda text: html.escape(json.dumps(text)),
        lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
        lambda text: entities(text, "&#{};"),
        lambda text: entities(text, "&#x{:x};"),
        lambda text: entities(text, "&#x{:X};"),
    ],
    "hexadecimal": [lambda text: text.encode().hex(), lambda text: text.encode().hex().upper()],
    "dump": [lambda text: text.encode().hex(" "), lambda text: text.encode().hex(":").upper()],
    "quoted-printable": [lambda text: quopri.encodestring(text.encode())],
    "misread": [misread, lambda text: misread(text, "gb18030"), lambda text: repr(text.encode())[2:-1]],
    "base64": [
        *(lambda text, before=before: base64.b64encode(b"x" * before + text.encode()) for before in range(3)),
        lambda text: base64.b64encode(b"abc" + text.encode() + b"defgh"),
        lambda text: base64.urlsafe_b64encode(b"ab" + text.encode() + b"c"),
        lambda text: quote(base64.b64encode(text.encode()), safe=""),
    ],
    "cut": [lambda text: f"{text[:-2]}…", lambda text: f"{text[: len(text) // 2 + 1]}…"],
}
# What each is tried on: a text on which this spelling is another than the plain one.
TRIED_ON = {
    "plain": [NAME, NUMBER, SECRET, ODD],
    "folded": ["two  blanks in it"],
    "shell": ["don't tell", "'quoted'", "don't <tell>"],
    "utf-16": [SECRET],
    "JSON": [NAME, "a\"b<c>&'/d 好人", ODD],
    "URL": [NAME, "per%cent and plus+", ODD],
    "HTML": ["<a> & \"b\" 'c' 好人", "x&y<z>\"好\"'人'"],
    "hexadecimal": [NAME, NUMBER, SECRET, ODD],
    "dump": [NAME, NUMBER, SECRET],
    "quoted-printable": [NAME, "好人 = 超人"],
    "misread": [NAME],
    "base64": [NAME, NUMBER, SECRET, ODD, "??>>~~??>>~~"],
    "cut": [NAME, NUMBER, SECRET[:20]],
}
PLANTS = [
    pytest.param(name, text, write, id=f"{name}-{number}-{place}")
    for name, ways in WRITTEN.items()
    for number, write in enumerate(ways)
    for place, text in enumerate(TRIED_ON[name])
]


def written(write, text: str) -> bytes:
    """What a way of writing makes of a text, as bytes."""
    told = write(text)
    return told if isinstance(told, bytes) else told.encode()


def test_every_spelling_is_tried():
    """No spelling is there without a text that needs it."""
    assert set(WRITTEN) == set(TRIED_ON) == set(leaks.SPELLINGS)


@pytest.mark.parametrize(("name", "text", "write"), PLANTS)
def test_spelling_is_found(tmp_path, name, text, write):
    """Whatever stands around it, a text is found in each way that it may be written."""
    data = written(write, text)

    for around in AROUND:
        before, after = around.encode().split(b"{}")

        assert found(tmp_path, before + data + after, canary(text))


@pytest.mark.parametrize("name", WRITTEN)
def test_spelling_is_found_by_its_own_rule(tmp_path, monkeypatch, name):
    """Without its rule a spelling is missed: none stands there for nothing."""
    plants = [(text, written(write, text)) for write in WRITTEN[name] for text in TRIED_ON[name]]
    monkeypatch.delitem(leaks.SPELLINGS, name)

    assert any(not found(tmp_path, data, canary(text)) for text, data in plants)


@pytest.mark.parametrize("before", range(20))
@pytest.mark.parametrize("text", [NAME, SECRET], ids=["name", "secret"])
def test_base64_is_found_whatever_stands_before_and_after(tmp_path, before, text):
    """The inner part depends on no neighbour: any number of any bytes on either side."""
    rng = Random(before)
    data = base64.b64encode(rng.randbytes(before) + text.encode() + rng.randbytes(before % 4))

    assert found(tmp_path, b"data:" + data, canary(text)) == {("it", "base64")}


@pytest.mark.parametrize("at", [0, 1, 7, 8, CHUNK - 40, *range(CHUNK - 17, CHUNK + 2, 3), 2 * CHUNK - 9])
@pytest.mark.parametrize("text", [NUMBER, SECRET, NAME], ids=["number", "secret", "name"])
def test_place_does_not_matter(tmp_path, at, text):
    """At the beginning, at the end, across the pieces in which a file is read, at any offset: it is found there."""
    path = tmp_path / "file"
    path.write_bytes(b"." * at + text.encode())

    assert [(leak.offset, leak.spelling) for leak in search([path], canary(text))] == [(at, "plain")]


@pytest.mark.parametrize("text", ["ab", "张", "12345", "", "好人"[:1] + "a"])
def test_short_text_is_not_searched(text):
    """Under six bytes a text stands everywhere."""
    assert needles_of(text) == ()


def test_few_digits_are_not_searched():
    """Nine digits are any number."""
    assert needles_of("123456789") == ()


@pytest.mark.parametrize("around", ["x{}", "{}x", "0{}", "{}9", "a{}b"])
def test_digits_inside_others_are_no_leak(tmp_path, around):
    """Ten digits in a longer number or a hash are no ID; by themselves they are."""
    assert not found(tmp_path, around.format(DIGITS).encode(), canary(DIGITS))
    assert found(tmp_path, f'{{"n": "{DIGITS}"}}'.encode(), canary(DIGITS))


@pytest.mark.parametrize("around", ["1{}", "{}1", "x{}y"])
def test_whole_number_is_found_inside_others(tmp_path, around):
    """Eighteen digits are no accident."""
    assert found(tmp_path, around.format(NUMBER).encode(), canary(NUMBER))


def test_common_name_that_our_own_texts_hold_is_not_searched():
    """A person called as our documents say would be found in every report."""
    assert "测试" in our_texts()
    assert needles_of("测试") == ()
    assert needles_of("get_biz_token") == ()


# --- canaries


def names(wanted: tuple[leaks.Canary, ...]) -> set[str]:
    """Their names."""
    return {one.name for one in wanted}


def test_canaries_are_what_is_private():
    """Every secret, both passwords, name and number, and what was sent: by names that tell where to look."""
    keys = {role: Key(api_key, Secret(secret)) for role, (api_key, secret) in demo_keys().items()}
    whole = Target("t", "http://u:p4ss%21word@h/x", keys, proxy="http://p:other-word@h:1")
    sign = make_sign(keys["active"], now=1_700_000_000, rng=Random(1))

    wanted = canaries(whole, PERSON, [sign], [Pictures().get("face")], [make_number(Random(5))])

    secrets = {f"api_secret of keys.{role}" for role in keys}
    person = {"idcard_name", "idcard_number", "ID number 1 that was sent"}
    assert names(wanted) == {*secrets, *person, "password in url", "password in proxy", "sign", "picture face"}


@pytest.mark.parametrize("text", ["p4ss%21word", "p4ss!word"], ids=["quoted", "plain"])
def test_password_is_found_as_written_and_as_meant(tmp_path, text):
    """A password of a URL has two spellings of its own."""
    wanted = canaries(target(url="http://u:p4ss%21word@h/x"), PERSON, [], [])

    assert {name for name, _ in found(tmp_path, text.encode(), wanted)} == {"password in url"}


def test_short_password_is_found_in_its_url(tmp_path):
    """Between its colon and its @ a password of three letters is one."""
    wanted = canaries(target(url="http://u:abc@h/x"), PERSON, [], [])

    assert found(tmp_path, b"http://u:abc@h/x", wanted) == {("password in url", "in its URL")}
    assert not found(tmp_path, b"abc", wanted)


SIGN = make_sign(Key("some-key", Secret(SECRET)), now=1_700_000_000, rng=Random(3))
FULL_SIGN = make_sign(Key("some-key", Secret(SECRET)), now=1_700_000_000, rng=Random(3), how={"contains": "+/"})


@pytest.mark.parametrize("sign", [SIGN, FULL_SIGN], ids=["tame", "full"])
@pytest.mark.parametrize(
    "write", [str, php, lambda sign: quote(sign, safe=""), lambda sign: sign.encode().hex(), lambda sign: sign[:40]]
)
def test_sign_is_found(tmp_path, sign, write):
    """A signature that was sent, and its beginning alone, which is the digest."""
    wanted = canaries(target(), PERSON, [sign], [])

    assert {name for name, _ in found(tmp_path, written(write, sign), wanted)} == {"sign"}


@pytest.mark.parametrize("before", range(3))
def test_sign_in_base64_is_found(tmp_path, before):
    """A signature is base64; in base64 once more it is found as well."""
    wanted = canaries(target(), PERSON, [SIGN], [])

    assert found(tmp_path, base64.b64encode(b"x" * before + SIGN.encode()), wanted) == {("sign", "base64")}


@pytest.mark.parametrize("spoil", ["not-base64", "short", "no-text", "not-utf8", "digest-zero"])
def test_sign_that_is_none_is_not_searched(spoil):
    """What holds no digest opens nothing."""
    sign = make_sign(Key("k", Secret(SECRET)), now=1_700_000_000, rng=Random(3), how={"spoil": spoil})

    assert "sign" not in names(canaries(target(), PERSON, [sign], []))


def test_other_sign_of_the_same_key_is_no_leak(tmp_path):
    """What signatures share is the api_key and the time."""
    other = make_sign(Key("some-key", Secret(SECRET)), now=1_700_000_000, rng=Random(4))

    assert not found(tmp_path, other.encode(), canaries(target(), PERSON, [SIGN], []))


FACE = Pictures().get("face")


@pytest.mark.parametrize(
    "write",
    [
        bytes,
        lambda data: base64.b64encode(b"x" + data),
        lambda data: base64.encodebytes(b"xy" + data),
        base64.urlsafe_b64encode,
        lambda data: json.dumps(base64.b64encode(data).decode()).replace("/", "\\/").encode(),
        lambda data: data.hex().encode(),
        lambda data: data[: len(data) // 2].hex().upper().encode(),
    ],
    ids=["raw", "base64", "lines", "url-safe", "json", "hex", "half"],
)
def test_picture_is_found(tmp_path, write):
    """The bytes of a picture, or half of them, raw or coded, at any alignment and in lines."""
    wanted = canaries(target(), PERSON, [], [FACE])

    assert {name for name, _ in found(tmp_path, b"head" + write(FACE.data) + b"tail", wanted)} == {"picture face"}


@pytest.mark.parametrize("name", ["text", "zeros", "empty"])
def test_what_is_no_picture_is_not_searched(name):
    """Zeros and plain words are nobody's face."""
    assert names(canaries(target(), PERSON, [], [Pictures().get(name)])) == {
        "api_secret of keys.active",
        "idcard_name",
        "idcard_number",
    }


def test_two_pictures_do_not_find_each_other(tmp_path):
    """What JPEGs share is their head."""
    other = Pictures().get("no-face")

    assert not found(tmp_path, other.data, canaries(target(), PERSON, [], [FACE]))


@pytest.mark.parametrize("size", range(60))
def test_tiny_picture_is_no_mistake(size):
    """A file of any size can be cut into windows."""
    canaries(target(), PERSON, [], [Upload("tiny", Random(size).randbytes(size))])


# --- no false alarm


def ordinary() -> tuple[leaks.Canary, ...]:
    """The canaries of an ordinary run against the mock."""
    keys = {role: Key(api_key, Secret(secret)) for role, (api_key, secret) in demo_keys().items()}
    signs = [make_sign(keys["active"], now=1_700_000_000 + number, rng=Random(number)) for number in range(400)]
    numbers = [make_number(Random(0), last) for last in "7X"]
    pictures = Pictures()
    uploads = [pictures.get(name) for name in ("face", "face.png", "two-faces", "no-face", "turned-90", "blurred-3")]
    return canaries(Target("t", URL, keys), make_person(0), signs, uploads, numbers)


@pytest.mark.parametrize("place", ["reports/sample-check", "openapi", "conformance", "src/biztoken/reporting"])
def test_our_own_files_hold_no_leak(place):
    """The sample of a run, the contract, the cases and the templates alarm nobody."""
    files = [path for path in (ROOT / place).rglob("*") if path.is_file() and path.suffix != ".pyc"]

    assert files
    assert search(files, ordinary()) == ()


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_hold_no_leak(tmp_path, seed):
    """Neither do random bytes, in three codes, nor random digits."""
    rng = Random(seed)
    data = rng.randbytes(200_000)
    digits = "".join(rng.choices("0123456789", k=200_000)).encode()

    assert not found(tmp_path, data + base64.b64encode(data) + data.hex().encode() + digits, ordinary())


@pytest.mark.parametrize("seed", range(40))
def test_no_person_of_ours_is_found_in_our_own_files(seed):
    """Whatever the seed, the synthetic person alarms nobody."""
    person = make_person(seed)

    assert not search([ROOT / "reports/sample-check/index.html"], (*canary(person.name), *canary(person.number)))


def test_it_takes_no_time(tmp_path):
    """Two megabytes and an ordinary run's canaries: some 0.1 s of processor time, and five times that is allowed."""
    words = (ROOT / "reports/sample-check/index.html").read_bytes()
    for number in range(7):
        (tmp_path / f"{number}").write_bytes((words * 2)[:300_000])
    wanted = ordinary()

    began = time.process_time()
    assert search(sorted(tmp_path.iterdir()), wanted) == ()
    assert time.process_time() - began < 0.5


# --- what is told


def test_problem_names_canary_file_and_spelling_and_never_the_text(tmp_path):
    """Who reads it knows where to look, in both languages, and learns no secret."""
    path = tmp_path / "evidence.ndjson"
    path.write_text(f"{SECRET} {NAME}", "utf-8")

    told = problem(search([path], canaries(target(), PERSON, [], [])))

    for lang in ("en", "zh"):
        text = told.told(lang)
        assert "api_secret of keys.active" in text
        assert "evidence.ndjson" in text
        assert "plain" in text
        assert not search_text(text, canaries(target(), PERSON, [], []))


def test_problem_tells_few_of_many():
    """Five are told, of the rest how many there are."""
    told = problem([Leak(Path("f"), f"c{number}", "plain", 0) for number in range(9)])

    assert "c4" in str(told)
    assert "c5" not in str(told)
    assert "4 more" in str(told)
    assert "9" in told.told("zh")


# --- what is printed


def test_recorder_keeps_both_streams_and_lets_them_through(capsys):
    """Whoever prints notices nothing; afterwards the streams are as before."""
    before = sys.stdout, sys.stderr

    with Recorder() as recorder:
        sys.stdout.write("one\n")
        sys.stderr.write("two\n")
        sys.stdout.writelines(["three"])
        assert sys.stdout.encoding == before[0].encoding

    assert (sys.stdout, sys.stderr) == before
    assert recorder.text == "one\ntwo\nthree"
    assert capsys.readouterr() == ("one\nthree", "two\n")


def test_recorder_gives_the_streams_back_after_an_error():
    """However the block ends."""
    before = sys.stdout

    with contextlib.suppress(ValueError), Recorder():
        raise ValueError

    assert sys.stdout is before


@pytest.mark.parametrize(
    "write",
    [
        lambda text: f"received {text}",
        lambda text: f"{text[:9]}\n    {text[9:]}",
        lambda text: f"\x1b[31m{text[:9]}\x1b[0m{text[9:]}",
        lambda text: f"{text[:9]}\x1b[0m\n\x1b[31m  {text[9:]}",
    ],
    ids=["plain", "broken", "coloured", "both"],
)
def test_printed_text_is_searched_as_a_reader_sees_it(write):
    """Neither a colour nor the end of a line hides a text."""
    (leak,) = search_text(write(SECRET), canaries(target(), PERSON, [], []))

    assert (leak.path, leak.canary) == (Path("console"), "api_secret of keys.active")


def test_rich_prints_into_the_recorder():
    """The report on the terminal is recorded, too."""
    from rich.console import Console  # noqa: PLC0415 - it would keep another stream

    with contextlib.redirect_stdout(io.StringIO()), Recorder() as recorder:
        Console().print("told")

    assert recorder.text == "told\n"


# --- no way around


def test_no_option_keeps_secrets():
    """No switch of any command turns redaction or the search off."""
    words = ("secret", "redact", "leak", "raw", "private", "keep", "unsafe", "dump", "verbose", "debug")
    # One names a variable to read, the other what a client sends to a mock of its own, which no run is made of.
    allowed = {"--secret-env", "--journal-raw"}

    options = {
        name
        for command in main.commands.values()
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }

    assert {name for name in options - allowed if any(word in name for word in words)} == set()


def test_contract_is_where_common_names_are_looked_up():
    """Our own texts are read from the package, wherever it is installed."""
    assert (bundled("openapi") / "clauses.yaml").is_file()


# Who writes files: the records and the reports, the notes of a resumed run, the mock's own input in a rehearsal, the
# mock's journal, certificates made for a drill, and what the processes of a load say on their standard error.
WRITERS = {
    *("evidence.py", "reporting/result.py", "resuming.py", "rehearsal.py"),
    *("mock/archive.py", "drill/certificates.py", "load/launch.py"),
    "cli.py",  # the traceback of a mistake of ours, without its message
}


def test_files_are_written_in_few_places():
    """What writes a file either redacts, or renders what was redacted."""
    source = ROOT / "src" / "biztoken"
    writing = re.compile(r"\.write_(?:text|bytes)\(|open\([^)\n]*\"[wax]b?\+?\"")

    writers = {
        path.relative_to(source).as_posix() for path in source.rglob("*.py") if writing.search(path.read_text("utf-8"))
    }

    assert writers <= WRITERS
