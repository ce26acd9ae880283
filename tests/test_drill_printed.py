"""What runtimes print of an exception that nobody caught is known again; what programs print of themselves is not."""

import pytest

from biztoken.drill.printed import Crash, crash, given_away, kept

CRASHES = {
    "python": (
        'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    x["error"]\nKeyError: \'error\'\n',
        Crash("KeyError", True),
    ),
    "python-chained": (
        "Traceback (most recent call last):\njson.decoder.JSONDecodeError: x\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "a.py"\napp.CallFailed: HTTP 502\n',
        Crash("app.CallFailed", False),
    ),
    "java": (
        'Exception in thread "main" com.google.gson.JsonSyntaxException: x\n\tat com.google.gson.Gson.fromJson\n',
        Crash("com.google.gson.JsonSyntaxException", True),
    ),
    "java-own": (
        'Exception in thread "main" java.io.IOException: 413\n\tat Main.main(Main.java:3)\n',
        Crash("java.io.IOException", False),
    ),
    "node": (
        "<anonymous>:1\nRequest\n^\n\nSyntaxError: Unexpected token 'R'\n    at JSON.parse (<anonymous>)\n",
        Crash("SyntaxError", True),
    ),
    "node-type": (
        "/a/client.js:9\n\nTypeError: Cannot read properties of undefined (reading 'x')\n    at Object.<anonymous>\n",
        Crash("TypeError", True),
    ),
    "php": (
        "PHP Fatal error:  Uncaught TypeError: f(): Argument #1 in /a/client.php:3\nStack trace:\n#0 {main}\n",
        Crash("TypeError", True),
    ),
    "php-warning": (
        'PHP Warning:  Undefined array key "error" in /a/client.php on line 9\n',
        Crash('Warning:  Undefined array key "error" in /a/client.php on line 9', True),
    ),
    "php-own": (
        "PHP Fatal error:  Uncaught RuntimeException: LOW_QUALITY in /a/client.php:3\n",
        Crash("RuntimeException", False),
    ),
    "go": (
        "panic: runtime error: invalid memory address or nil pointer dereference\ngoroutine 1 [running]:\n",
        Crash("runtime error: invalid memory address or nil pointer dereference", True),
    ),
    "ruby": (
        "client.rb:12:in `parse': unexpected token at 'Request' (JSON::ParserError)\n",
        Crash("JSON::ParserError", True),
    ),
    "rust": (
        "thread 'main' (7) panicked at src/main.rs:4:5:\n",
        Crash("panicked at src/main.rs:4:5:", True),
    ),
}


@pytest.mark.parametrize(("output", "expected"), CRASHES.values(), ids=CRASHES)
def test_crash_is_known_by_what_the_runtime_prints(output, expected):
    """The last exception counts; one that a program may mean to end with is told from a mishap."""
    assert crash(output, 1) == expected


@pytest.mark.parametrize(
    "output",
    [
        "",
        "error: KeyError in the table of errors",
        '{"ok": false, "error": "SyntaxError"}',
        "ERROR 2026-01-01 get_biz_token: HTTP 413: Request Entity Too Large",
        "2026/01/01 10:00:00 get_biz_token: 403 CONCURRENCY_LIMIT_EXCEEDED",
        "Error: HTTP 502\n    at main (client.js:3)",
    ],
)
def test_what_a_program_says_of_itself_is_no_crash(output):
    """Words alone are none."""
    assert crash(output, 1) is None


def test_signal_is_a_crash():
    """Whoever was ended by a signal told nothing."""
    assert crash("", -11) == Crash("signal 11", True)


@pytest.mark.parametrize(
    ("output", "is_kept"),
    [
        ("LOW_QUALITY", True),
        ("error=low_quality", True),
        ("LOW\n_QUALITY", False),
        ("", False),
        ("low quality", False),
    ],
)
def test_name_is_kept_in_whatever_case(output, is_kept):
    """Only the name itself counts."""
    assert kept(output, (("LOW_QUALITY",),)) is is_kept


@pytest.mark.parametrize(
    ("output", "is_kept"),
    [
        ("HTTP 413", True),
        ("status=413.", True),
        ("14130", False),
        ("Request  Entity\nToo Large", True),
        ("4.413", False),
    ],
)
def test_status_is_a_number_of_its_own(output, is_kept):
    """A number inside another is none."""
    assert kept(output, (("Request Entity Too Large", "413"),)) is is_kept


def test_all_of_several_texts_are_wanted():
    """One of each is needed."""
    assert kept("A_NAME: B", (("A_NAME",), ("B", "C")))
    assert not kept("A_NAME", (("A_NAME",), ("B", "C")))


def test_spelling_is_named_once():
    """The plainest one that stands there."""
    assert dict(given_away("x 990101199003071237 y", {"idcard_number": ["990101199003071237"]})) == {
        "idcard_number": "plain"
    }


def test_what_is_too_short_to_tell_is_not_looked_for():
    """A text of a few letters stands everywhere."""
    assert dict(given_away("ok abc", {"idcard_name": ["abc", ""]})) == {}
