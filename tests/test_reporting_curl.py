"""The curl line of a report is one that a shell runs."""

import os
import shlex
import shutil
import subprocess

import pytest
from test_reporting_sample import FORM, PICTURE, URL, changed, exchange

from biztoken.reporting.curl import curl, quoted

HOSTILE = [
    "plain",
    "",
    "it's",
    'a "quoted" word',
    "a b  c",
    "$(touch /tmp/pwned) `id` $HOME",
    "@/etc/passwd",
    "<secret.txt",
    "a;type=text/html",
    "(x",
    " 7",
    "7 ",
    "back\\slash\\n",
    "line one\nline two\n",
    "tab\there",
    "bell\x07 and escape\x1b[31m",
    "carriage\r\nreturn",
    "好" * 43,
    "emoji 👩‍👩‍👧",
    "right\u202eleft",
    "!history",
    "-x",
    "100%",
    "{a,b}*?[c]~",
    "#comment",
    "x" * 5000,
]


def arguments(line, **environment):
    """The words a POSIX shell makes of the command."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}; biztoken() {{ printf SIGNED; }}; set -u\n{line}"
    done = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        check=True,
        env=environment | {"PATH": os.environ["PATH"]},
        timeout=20,
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def test_ordinary_request_reads_as_one_would_type_it():
    """The signature is made on the spot, the picture is a file, the URL is quoted."""
    assert curl(exchange(1, "x")) == (
        'curl -sS -i -F sign="$(biztoken sign)" -F sign_version=hmac_sha1 -F liveness_type=meglive '
        f"-F comparison_type=0 -F uuid=visitor-7f3a -F 'image_ref1=@face.jpg;type=image/jpeg' '{URL}'"
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_value_arrives_as_it_was(value):
    """Whatever a value holds, the shell hands it to curl unchanged and runs none of it."""
    words = arguments(curl(exchange(1, "x", form=changed(uuid=value))))

    assert f"uuid={value}" in words
    assert words[-1] == URL


@pytest.mark.parametrize("value", HOSTILE)
def test_value_is_never_a_file_or_a_type(value):
    """A value that curl would read a meaning into is sent by --form-string."""
    words = arguments(curl(exchange(1, "x", form=changed(uuid=value))))
    flag = words[words.index(f"uuid={value}") - 1]

    assert flag == "--form-string" or not (set(value) & set('@<;("\\') or value != value.strip())


@pytest.mark.parametrize("value", HOSTILE)
def test_bash_accepts_the_syntax(value):
    """`bash -n` finds nothing wrong."""
    line = curl(exchange(1, "x", form=changed(uuid=value, **{value or "empty": "1"})))

    assert subprocess.run(["bash", "-n"], input=line.encode(), check=False, timeout=20).returncode == 0


def test_line_splits_as_shlex_says():
    """Without substitutions Python's own parser sees the same words."""
    form = [{"name": "uuid", "value": 'it\'s a "test"'}, {"name": "image", "picture": PICTURE}]

    assert shlex.split(curl(exchange(1, "x", form=form))) == [
        *("curl", "-sS", "-i", "--form-string", 'uuid=it\'s a "test"', "-F", "image=@face.jpg;type=image/jpeg", URL)
    ]


def test_redacted_values_become_variables():
    """A name or number that was redacted is a shell variable named after its field."""
    form = changed(idcard_name="<redacted>", **{"idcard-number": "+<redacted>+"})
    words = arguments(curl(exchange(1, "x", form=form)), IDCARD_NAME="@张 三", IDCARD_NUMBER="1")

    assert "idcard_name=@张 三" in words
    assert "idcard-number=+1+" in words
    assert words[words.index("idcard_name=@张 三") - 1] == "--form-string"


def test_odd_sign_is_told_in_a_comment():
    """The line makes a sound sign; what was odd about the recorded one stands above it."""
    record = exchange(1, "x", form=changed(sign="<sign expired>"))
    record["request"]["note"] = "sent in one chunk\nrm -rf /"
    lines = curl(record).split("\n")

    assert lines[:2] == ["# sent in one chunk rm -rf /", "# sign: sign expired"]
    assert "sign=SIGNED" in arguments(curl(record))


def test_names_that_curl_cannot_send_are_told():
    """Curl ends a name at its first `=`: the reader learns it."""
    assert "cannot send a=b" in curl(exchange(1, "x", form=[{"name": "a=b", "value": "1"}]))


def test_other_methods_and_empty_forms():
    """A request without fields still names its method."""
    record = exchange(1, "x", form=())
    record["request"]["method"] = "GET"

    assert curl(record) == f"curl -sS -i -X GET '{URL}'"


@pytest.mark.parametrize(
    ("picture", "part"),
    [
        ({"label": "two faces", "filename": "a.png", "media_type": "image/png"}, "@two-faces.png;type=image/png"),
        ({"label": "face", "filename": " ", "media_type": None}, '@face.jpg;filename=" "'),
        ({"label": "../../etc/x", "filename": 'a;"b".jpg', "media_type": None}, '@etc-x.jpg;filename="a;\\"b\\".jpg"'),
        ({"label": "noise.bin"}, "@noise.bin"),
    ],
)
def test_picture_is_a_file_named_by_its_label(picture, part):
    """The path stays in the working directory; only an odd file name is spelt out."""
    form = [{"name": "image", "picture": picture}]

    assert f"image={part}" in arguments(curl(exchange(1, "x", form=form)))


def test_nul_is_dropped_and_told():
    """No command line can hold NUL; the line says so instead of ending there."""
    line = curl(exchange(1, "x", form=[{"name": "uuid", "value": "a\0b"}]))

    assert "uuid contains NUL" in line
    assert "uuid=ab" in arguments(line)


def test_very_long_value_is_cut_and_told():
    """A value that no command line would hold is cut, and the line says so."""
    line = curl(exchange(1, "x", form=changed(uuid="x" * 1_000_000)))

    assert "# uuid had 1000000 characters; here are the first 8000" in line
    assert len(line) < 10_000


def test_value_cut_in_the_record_is_told():
    """What the record did not keep cannot be sent again, and the line says so."""
    line = curl(exchange(1, "x", form=changed(filler="x" * 64 + "… (21000000 characters)")))

    assert "# filler had 21000000 characters; the record keeps the first 64" in line


def test_surrogates_do_not_break_the_line():
    """Half a character, as a broken target may send, is still quoted."""
    assert quoted("\udc80").isascii()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_real_curl_understands_every_option(tmp_path):
    """Curl itself parses the line: it fails for want of a listener (7), not of syntax (2)."""
    (tmp_path / "face.jpg").write_bytes(b"x")
    line = curl(exchange(1, "x")).replace(URL, "http://127.0.0.1:9/").replace('"$(biztoken sign)"', "x=")

    assert (
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=False, capture_output=True, timeout=20).returncode == 7
    )


def test_form_of_the_samples_is_not_changed():
    """The helper that changes a form leaves the control alone."""
    assert changed(uuid=None) != list(FORM)
