"""What a drill shows follows from what the client sent, when, how it ended and what it printed."""

import pytest
from drilling import DRILLS, SECRET, broken, ended, judged, kept, notes, refused, sent

from biztoken.contract import load
from biztoken.drill.seen import Connection, Ending
from biztoken.model import Level

CONTRACT = load()
BUSY = "CONCURRENCY_LIMIT_EXCEEDED"


def failures(*moments, error="INTERNAL_ERROR", status=500):
    """Requests at these seconds, all refused in the same way."""
    return [refused(error, status, at) for at in moments]


# --- the control


def test_success_told_as_success_is_kept():
    """A biz_token came and the exit status is 0."""
    assert kept(judged("success", ended(0), sent())) >= {"CLIENT-SUCCESS", "CLIENT-SECRET", "CLIENT-PRIVATE"}


def test_success_told_as_failure_is_caught():
    """Whoever fails though all is well has not understood the reply."""
    assert broken(judged("success", ended(3), sent())) == {"CLIENT-SUCCESS"}


def test_refused_request_is_the_fault_of_the_client():
    """A sound endpoint refuses what is wrong; the drill's own clause is then open."""
    judgement = judged("success", ended(1), refused("MISSING_ARGUMENTS: sign", 400))

    assert broken(judgement) == {"CLIENT-REQUEST"}
    assert "CLIENT-SUCCESS" not in kept(judgement)


def test_failure_of_the_endpoint_itself_is_not():
    """A 500 that no drill asked for is our own."""
    assert broken(judged("success", ended(1), refused("INTERNAL_ERROR", 500))) == set()


def test_nothing_sent_proves_nothing():
    """Neither kept nor broken, with the words why."""
    judgement = judged("success", ended(0))

    assert broken(judgement) == set()
    assert "CLIENT-SUCCESS" not in kept(judgement)
    assert judgement.why_not.en == "The client sent nothing (exit status 0)."


# --- failing closed, and the reason


@pytest.mark.parametrize("drill", [name for name, row in DRILLS.items() if row.family == "table"])
def test_error_taken_for_success_is_caught(drill):
    """Each error of the table must end as a failure."""
    error = str(DRILLS[drill].always)

    assert broken(judged(drill, ended(0, error), refused(error, 403))) == {"CLIENT-FAIL-CLOSED"}


@pytest.mark.parametrize("drill", [name for name, row in DRILLS.items() if row.family == "table"])
def test_lost_reason_is_caught_and_a_kept_one_is_not(drill):
    """The name, or the reason where there is one, must stand in the output."""
    error = str(DRILLS[drill].always)

    assert broken(judged(drill, ended(1, "failed"), refused(error, 403))) == {"CLIENT-REASON"}
    assert "CLIENT-REASON" in kept(judged(drill, ended(1, f"failed: {error.lower()}"), refused(error, 403)))


def test_status_tells_an_error_that_no_other_has():
    """404 says as much as API_NOT_FOUND; 400 does not say which of seven."""
    assert "CLIENT-REASON" in kept(judged("error-api-not-found", ended(1, "HTTP 404"), refused("API_NOT_FOUND", 404)))
    assert broken(judged("error-low-quality", ended(1, "HTTP 400"), refused("LOW_QUALITY", 400))) == {"CLIENT-REASON"}


def test_name_without_its_reason_is_lost():
    """AUTHORIZATION_ERROR alone does not say what to do."""
    judgement = judged("unknown-reason", ended(1, "AUTHORIZATION_ERROR"), refused("AUTHORIZATION_ERROR: X", 403))

    assert broken(judgement) == {"CLIENT-UNKNOWN-ERROR"}


def test_crash_on_plain_text_is_caught_even_if_it_quotes_the_text():
    """JSON.parse of Node quotes what it could not read, and is a crash all the same."""
    output = """undefined:1
Request Entity Too Large
^

SyntaxError: Unexpected token 'R', "Request En"... is not valid JSON
    at JSON.parse (<anonymous>)
"""
    judgement = judged("too-large-in-plain-text", ended(1, output), sent(0, 413, b"Request Entity Too Large"))

    assert "CLIENT-PLAIN-413" in broken(judgement)


def test_crash_on_an_unknown_error_is_caught_even_if_it_names_the_error():
    """A look-up in a table that has not the name ends in a KeyError of that name."""
    output = """Traceback (most recent call last):
  File "client.py", line 9, in <module>
    raise SystemExit(TEXTS[error])
KeyError: 'BALANCE_NOT_ENOUGH'
"""
    refusal = refused("BALANCE_NOT_ENOUGH", 403)

    assert broken(judged("unknown-error", ended(1, output), refusal)) == {"CLIENT-UNKNOWN-ERROR"}
    meant = output.replace("KeyError: 'BALANCE_NOT_ENOUGH'", "faceid.FaceIdError: BALANCE_NOT_ENOUGH")
    assert broken(judged("unknown-error", ended(1, meant), refusal)) == set()


def test_unhandled_exception_that_tells_the_error_keeps_it():
    """A script may end with an exception of its own, as long as it says why."""
    output = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nRefused: 413 too large\n'
    judgement = judged("too-large-in-plain-text", ended(1, output), sent(0, 413, b"Request Entity Too Large"))

    assert broken(judgement) == set()


def test_page_of_a_proxy_is_no_success():
    """Status 200 alone means nothing."""
    page = sent(0, 200, b"<html></html>")

    assert broken(judged("page-with-200", ended(0), page)) == {"CLIENT-FAIL-CLOSED"}
    assert broken(judged("page-with-200", ended(1), page)) == set()


def test_crash_on_a_page_is_a_warning_beside_the_failure():
    """The failure is told, if badly: the one clause is kept, the other broken."""
    output = 'Traceback (most recent call last):\n  File "a"\njson.decoder.JSONDecodeError: Expecting value\n'
    judgement = judged("page-with-502", ended(1, output), sent(0, 502, b"<html></html>"))

    assert broken(judgement) == {"CLIENT-NOT-JSON"}
    assert "CLIENT-FAIL-CLOSED" in kept(judgement)


@pytest.mark.parametrize("drill", ["cut-off", "cut-off-in-token"])
def test_answer_that_was_cut_is_no_success(drill):
    """Whatever was in the half that came."""
    assert broken(judged(drill, ended(0), sent(end="cut"))) == {"CLIENT-FAIL-CLOSED"}
    assert broken(judged(drill, ended(1), sent(end="cut"))) == set()


def test_unknown_fields_are_no_failure():
    """More fields than the contract knows change nothing."""
    assert broken(judged("unknown-fields", ended(1), sent())) == {"CLIENT-UNKNOWN-FIELDS"}
    assert "CLIENT-UNKNOWN-FIELDS" in kept(judged("unknown-fields", ended(0), sent()))


# --- sending again


def test_server_error_is_followed_by_another_request():
    """Once is what the contract asks for."""
    assert broken(judged("server-error-twice", ended(1), *failures(0))) == {"CLIENT-RETRY"}
    assert "CLIENT-RETRY" in kept(judged("server-error-twice", ended(1), *failures(0, 1)))
    assert "CLIENT-RETRY" in kept(judged("server-error-twice", ended(0), *failures(0, 1), sent(3)))


def test_server_error_for_ever_has_an_end():
    """Whoever was stopped never told; whoever gave up did."""
    told = "INTERNAL_ERROR"
    endless = judged("server-error-for-ever", ended(None, stopped="requests"), *failures(*range(26)))
    slow = judged("server-error-for-ever", ended(None, stopped="time"), *failures(0, 20, 40))

    assert broken(endless) == broken(slow) == {"CLIENT-GIVE-UP"}
    assert "CLIENT-GIVE-UP" in kept(judged("server-error-for-ever", ended(1, told), *failures(0, 1, 3)))


@pytest.mark.parametrize(
    ("moments", "is_hasty"),
    [
        ([0], False),
        ([0, 1], False),
        ([0, 0.012], True),
        ([0, 0.02, 0.04, 0.06], True),
        ([0, 0.11, 0.22, 0.33, 0.44], True),
        ([0, 0.5, 1, 1.5, 2, 2.5], True),
        ([0, 2, 4, 6, 8], True),
        ([0, 2, 4], False),
        ([0, 6, 12, 18, 24], False),
        ([0, 0.11, 0.32, 0.73], False),
        ([0, 0.07, 0.18, 0.39], False),
        ([0, 0.03, 0.9, 1.1], False),
    ],
)
def test_back_off_is_told_from_haste(moments, is_hasty):
    """Requests at once or at equal intervals bother a busy endpoint; waits that grow, or long ones, do not."""
    judgement = judged("concurrency", ended(1, BUSY), *failures(*moments, error=BUSY, status=403))

    assert ("CLIENT-BACK-OFF" in broken(judgement)) is is_hasty
    assert ("CLIENT-BACK-OFF" in kept(judgement)) is not is_hasty


def test_giving_up_at_once_is_told():
    """It is no back-off, and no fault."""
    assert notes(judged("concurrency", ended(1, BUSY), refused(BUSY, 403))) == ["It gave up at once."]


@pytest.mark.parametrize(("error", "status"), [("BAD_ARGUMENTS: sign_version", 400), ("API_NOT_FOUND", 404)])
def test_refused_request_sent_again_is_caught(error, status):
    """What was refused for what it says will be refused again."""
    drill = "error-bad-arguments" if status == 400 else "error-api-not-found"
    judgement = judged(drill, ended(1, error), *failures(0, 1, error=error, status=status))

    assert broken(judgement) == {"CLIENT-NO-REPEAT"}
    assert "CLIENT-NO-REPEAT" in kept(judged(drill, ended(1, error), refused(error, status)))


def test_changed_request_is_no_repetition():
    """Whoever mends what was refused may send it."""
    error = "BAD_ARGUMENTS: uuid"
    first, second = refused(error, 400), refused(error, 400, 1, uuid="another")

    assert broken(judged("error-bad-arguments", ended(1, "BAD_ARGUMENTS"), first, second)) == set()


def test_sign_is_new_each_time():
    """The same sign again is caught, be it after EXPIRED_SIGN or after a server error."""
    expired = "AUTHORIZATION_ERROR: EXPIRED_SIGN"
    again = judged("sign-expired-once", ended(0), refused(expired, 403, sign="s" * 40), sent(1, sign="s" * 40))
    anew = judged("sign-expired-once", ended(0), refused(expired, 403), sent(1))

    assert broken(again) == {"CLIENT-NEW-SIGN"}
    assert "CLIENT-NEW-SIGN" in kept(anew)


def test_one_request_says_nothing_of_a_second():
    """To give up on an expired sign is no fault: nothing calls for a new one."""
    judgement = judged("sign-expired-once", ended(1), refused("AUTHORIZATION_ERROR: EXPIRED_SIGN", 403))

    assert broken(judgement) == set()
    assert judgement.is_beside


@pytest.mark.parametrize(
    ("requests", "told"),
    [
        ([sent(end="cut", status=None)], "It did not send the request again."),
        ([sent(end="cut", status=None), sent(1)], "It sent the request again, 2 in all."),
        (
            [sent(end="cut", status=None, biz_no="n"), sent(1, biz_no="n")],
            "It sent the request again, 2 in all, with the same biz_no: two sessions may stand under one number.",
        ),
    ],
)
def test_what_follows_a_dropped_connection_is_only_told(requests, told):
    """The contract does not say whether to send again."""
    judgement = judged("dropped-after", ended(int(len(requests) == 1)), *requests)

    assert broken(judgement) == set()
    assert notes(judgement) == [told]


# --- waiting


def test_client_that_never_gives_up_is_caught():
    """It had to be stopped while it waited."""
    waiting = sent(status=None, end="")

    assert broken(judged("no-answer", ended(None, stopped="time", seconds=63), waiting)) == {"CLIENT-TIMEOUT"}
    assert "CLIENT-TIMEOUT" in kept(judged("no-answer", ended(1, seconds=30), waiting))


def test_slow_answer_is_only_told():
    """How long to wait is not stated."""
    assert notes(judged("slow", ended(0, seconds=3.2), sent())) == ["It waited 3.2 s for the answer."]
    assert broken(judged("slow", ended(1), sent(status=None, end="gone"))) == set()


# --- HTTPS


def test_request_to_an_unknown_authority_is_caught():
    """Once a request came through, the certificate was taken."""
    hello = (Connection("tls", 300),)

    assert "CLIENT-CERTIFICATE" in broken(judged("certificate-untrusted", ended(0), sent(), connections=hello))
    assert kept(judged("certificate-untrusted", ended(1), connections=hello)) >= {"CLIENT-CERTIFICATE", "CLIENT-HTTPS"}


def test_no_connection_says_nothing_of_certificates():
    """A client that does not even connect has refused nothing."""
    judgement = judged("certificate-untrusted", ended(1))

    assert "CLIENT-CERTIFICATE" not in broken(judgement) | kept(judgement)


def test_request_in_the_clear_is_caught():
    """The URL says https."""
    clear = (Connection("clear", 900),)

    assert broken(judged("certificate-trusted", ended(1), connections=clear)) == {"CLIENT-HTTPS"}


# --- what is printed


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        "YS1zZWNyZXQtb2YtYS1kcmlsbC01ZjJj",
        "".join(f"%{byte:02x}" for byte in SECRET.encode()),
        SECRET.encode().hex(),
    ],
    ids=["plain", "base64", "percent", "hexadecimal"],
)
def test_printed_secret_is_caught(printed):
    """In any spelling that hides nothing."""
    assert broken(judged("success", ended(0, f"key k {printed}"), sent())) == {"CLIENT-SECRET"}


@pytest.mark.parametrize("printed", ["欧阳示例", "990101199003071237", "sign-made-at-0-and-for-nobody-else"])
def test_printed_person_or_sign_is_caught(printed):
    """Names, ID numbers and signs belong in no log."""
    assert broken(judged("success", ended(0, f"calling with {printed}"), sent())) == {"CLIENT-PRIVATE"}


def test_masked_person_is_none():
    """What cannot be read is not given away."""
    assert broken(judged("success", ended(0, "欧**, 990101********37"), sent())) == set()


# --- a client that runs already


def test_client_without_words_is_not_held_to_them():
    """It may hand in its outcome only; then the reason stays open."""
    judgement = judged("error-low-quality", Ending(1, None, False), refused("LOW_QUALITY", 400))

    assert broken(judgement) == set()
    assert judgement.why_not.en == "The client handed in no words of its own."


def test_client_without_an_outcome_is_judged_by_what_it_sent():
    """Requests speak for themselves."""
    judgement = judged("server-error-twice", Ending(1, None), *failures(0))

    assert broken(judgement) == {"CLIENT-RETRY"}


# --- every clause is looked at


def test_every_client_clause_can_be_broken_or_says_why_not():
    """Each clause of clients has a drill, comes up in all of them, or is told as none that a drill sees."""
    by_drill = {scenario.clause for scenario in DRILLS.values()}
    in_all = {"CLIENT-REQUEST", "CLIENT-LASTING", "CLIENT-SECRET", "CLIENT-PRIVATE", "CLIENT-NO-REPEAT"}
    never = {"CLIENT-SDK", "CLIENT-UUID", "CLIENT-BIZ-NO"}
    clients = {clause.id for clause in CONTRACT.clauses.values() if clause.side == "client"}

    assert by_drill | in_all | never == clients


def test_every_error_of_the_table_has_a_drill():
    """Each row, and each reason."""
    told = {answer for row in DRILLS.values() for answer in (row.always, *row.answers) if isinstance(answer, str)}

    for row in CONTRACT.errors.values():
        for reason in row.reasons or ("",):
            assert any(answer.startswith(row.name) and reason in answer for answer in told)


def test_levels_are_those_with_a_source():
    """Retry, failing closed and the reason are MUST; back-off and a new sign SHOULD; what is not stated is observed."""
    levels = {clause.id: clause.level for clause in CONTRACT.clauses.values() if clause.side == "client"}

    assert {levels[f"CLIENT-{name}"] for name in ("RETRY", "FAIL-CLOSED", "REASON", "PLAIN-413")} == {Level.MUST}
    assert {levels[f"CLIENT-{name}"] for name in ("BACK-OFF", "NEW-SIGN")} == {Level.SHOULD}
    assert {levels[f"CLIENT-{name}"] for name in ("DROPPED", "SLOW")} == {Level.OBSERVE}
