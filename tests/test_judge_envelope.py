"""What every reply must be, whatever was asked: how a reply is read, its fields and types, and its faces."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import WAITED_MS, accepted, broken, exchange, failure, kept, refused, success

from biztoken.reading import Outcome, read, split_error

SOUND = accepted("VERBOSE-VALUES")
ON_ERROR = refused("UUID-LENGTH", "BAD_ARGUMENTS: uuid")
FIELDS = {
    "no request_id": ({"drop": "request_id"}, "REQUEST-ID-PRESENCE"),
    "null for request_id": ({"request_id": None}, "REQUEST-ID-TYPE"),
    "an empty request_id": ({"request_id": ""}, "REQUEST-ID-TYPE"),
    "a number for request_id": ({"request_id": 17}, "REQUEST-ID-TYPE"),
    "a list for request_id": ({"request_id": ["1"]}, "REQUEST-ID-TYPE"),
    "no time_used": ({"drop": "time_used"}, "TIME-USED-PRESENCE"),
    "null for time_used": ({"time_used": None}, "TIME-USED-TYPE"),
    "a text for time_used": ({"time_used": "18"}, "TIME-USED-TYPE"),
    "a fraction for time_used": ({"time_used": 18.0}, "TIME-USED-TYPE"),
    "true for time_used": ({"time_used": True}, "TIME-USED-TYPE"),
    "a negative time_used": ({"time_used": -1}, "TIME-USED-PLAUSIBLE"),
    "seconds for time_used": ({"time_used": 10**9}, "TIME-USED-PLAUSIBLE"),
    "an endless time_used": ({"time_used": 10**400}, "TIME-USED-PLAUSIBLE"),
}


@pytest.mark.parametrize(("change", "due"), FIELDS.values(), ids=FIELDS)
def test_field_of_a_success(change, due):
    """One field that is missing or of a wrong type breaks its own clause, once."""
    fields = dict(change)

    assert broken(success(200, fields.pop("drop", ""), **fields), SOUND) == {due}


@pytest.mark.parametrize(("change", "due"), FIELDS.values(), ids=FIELDS)
def test_field_of_a_failure(change, due):
    """So it does beside an error, where a missing field has a clause of its own."""
    fields = dict(change)
    one = failure(400, "BAD_ARGUMENTS: uuid", fields.pop("drop", ""), **fields)

    assert broken(one, ON_ERROR) == {due.replace("PRESENCE", "ON-ERROR")}


@pytest.mark.parametrize(("beyond", "is_plausible"), [(-100, True), (0, True), (16, True), (17, False)])
def test_time_used_is_at_most_what_the_caller_waited(beyond, is_plausible):
    """The caller's clock and the target's may tick apart by one tick of 16 ms, and no more."""
    assert ("TIME-USED-PLAUSIBLE" in kept(success(time_used=int(WAITED_MS) + beyond), SOUND)) is is_plausible


@pytest.mark.parametrize("request_id", ["x", "1531397037,c1223c5b-c2f6-4bb7-8cbb-8993497ddbe0", "请求-1", " "])
def test_shape_of_an_id_is_not_judged(request_id):
    """Every sample has the same shape, but only text, not empty and unique are ruled."""
    assert broken(success(request_id=request_id, biz_token=request_id), SOUND) == set()


RAW = {"liveness_type": "raw_image", "return_faces": "1"}
FACES = {
    "asked for and there": (success(form=RAW, faces=[{}]), set()),
    "asked for and empty": (success(form=RAW, faces=[]), set()),
    "asked for and not there": (success(form=RAW), {"FACES-SUCCESS"}),
    "asked for and null": (success(form=RAW, faces=None), {"FACES-TYPE"}),
    "asked for and a number": (success(form=RAW, faces=2), {"FACES-TYPE"}),
    "not asked for and not there": (success(), set()),
    "not asked for and there": (success(faces=[]), {"FACES-ABSENT"}),
    "refused and there": (success(form=RAW | {"return_faces": "0"}, faces=[]), {"FACES-ABSENT"}),
    "asked for without raw_image": (success(form=RAW | {"liveness_type": "still"}), set()),
    "asked for and there without raw_image": (success(form=RAW | {"liveness_type": "still"}, faces=[]), set()),
    "asked for with a bad value": (failure(400, "BAD_ARGUMENTS: verbose", form=RAW | {"return_faces": "2"}), set()),
    "low quality without them": (failure(400, "LOW_QUALITY", form=RAW), {"FACES-LOW-QUALITY"}),
    "low quality with them": (failure(400, "LOW_QUALITY", form=RAW, faces=[{}]), set()),
    "several faces without them": (failure(400, "MULTIPLE_FACES", form=RAW), {"FACES-MULTIPLE-FACES"}),
    "no face without them": (failure(400, "NO_FACE_FOUND:image", form=RAW), {"FACES-NO-FACE-FOUND"}),
    "no face with an empty list": (failure(400, "NO_FACE_FOUND: image", form=RAW, faces=[]), set()),
    "no face in a reference": (failure(400, "NO_FACE_FOUND:image_ref1", form=RAW), set()),
    "another error": (failure(400, "BAD_ARGUMENTS: uuid", form=RAW), set()),
}


@pytest.mark.parametrize(("one", "due"), FACES.values(), ids=FACES)
def test_faces(one, due):
    """A list where they were asked for, on success and with the three errors of `image`; none otherwise."""
    assert {clause for clause in broken(one, SOUND) if clause.startswith("FACES")} == due


READINGS = {
    "accepted": (success(), Outcome.ACCEPTED, "", ""),
    "accepted with null for the error": (success(error=None), Outcome.ACCEPTED, "", ""),
    "accepted without a token": (success(200, "biz_token"), Outcome.ACCEPTED, "", ""),
    "refused": (failure(400, "BAD_ARGUMENTS: uuid"), Outcome.REFUSED, "BAD_ARGUMENTS", "uuid"),
    "refused with status 200": (failure(200, "BAD_ARGUMENTS: uuid"), Outcome.REFUSED, "BAD_ARGUMENTS", "uuid"),
    "an unknown name": (failure(403, "REPLAY_ATTACK"), Outcome.REFUSED, "REPLAY_ATTACK", ""),
    "no name": (failure(400, "no such thing"), Outcome.UNREADABLE, "", "no such thing"),
    "no error": (failure(400, None, "error"), Outcome.UNREADABLE, "", ""),
    "success with status 400": (success(400), Outcome.UNREADABLE, "", ""),
    "no JSON": (exchange(200, b"ok"), Outcome.UNREADABLE, "", ""),
    "no object": (exchange(200, [1]), Outcome.UNREADABLE, "", ""),
    "no UTF-8": (exchange(200, '{"biz_token": "é"}'.encode("latin-1")), Outcome.UNREADABLE, "", ""),
    "too deep": (exchange(200, b"[" * 100_000), Outcome.UNREADABLE, "", ""),
}


@pytest.mark.parametrize(("one", "outcome", "name", "detail"), READINGS.values(), ids=READINGS)
def test_reading(one, outcome, name, detail):
    """A reply is read as a client would: accepted, refused with a name and a detail, or neither."""
    reading = read(one.reply)

    assert (reading.outcome, reading.name, reading.detail) == (outcome, name, detail)


ERRORS = {
    "MISSING_ARGUMENTS: uuid": ("MISSING_ARGUMENTS", "uuid"),
    "MISSING_ARGUMENTS:uuid": ("MISSING_ARGUMENTS", "uuid"),
    "MISSING_ARGUMENTS : uuid ": ("MISSING_ARGUMENTS", "uuid"),
    "MISSING_ARGUMENTS uuid": ("MISSING_ARGUMENTS", "uuid"),
    "INVALID_IMAGE_SIZEimage_ref1": ("INVALID_IMAGE_SIZE", "image_ref1"),
    "AUTHORIZATION_ERROR:NO_DATA_SOURCE_PERMISSION": ("AUTHORIZATION_ERROR", "NO_DATA_SOURCE_PERMISSION"),
    "LOW_QUALITY": ("LOW_QUALITY", ""),
    "LOW_QUALITY:": ("LOW_QUALITY", ""),
    "BAD": ("", "BAD"),
    "bad_arguments: uuid": ("", "bad_arguments: uuid"),
    "": ("", ""),
    "A: b: c": ("", "A: b: c"),
    "BAD_ARGUMENTS: a: b": ("BAD_ARGUMENTS", "a: b"),
}


@pytest.mark.parametrize(("text", "due"), ERRORS.items())
def test_error_is_split(text, due):
    """The first run of capitals is the name, the rest the detail, however they are joined."""
    assert split_error(text) == due


NAMES = st.from_regex(r"[A-Z][A-Z_]{3,20}", fullmatch=True)
DETAILS = st.from_regex(r"[a-z][a-z0-9_ :]{0,20}[a-z0-9]", fullmatch=True)


@settings(deadline=None)
@given(NAMES, st.text(" \t", max_size=3), st.text(" \t", max_size=3), DETAILS)
def test_spacing_around_the_colon_never_matters(name, before, after, detail):
    """However a name and a detail are joined by a colon, both come back."""
    assert split_error(f"{name}{before}:{after}{detail}") == (name, detail)


@settings(deadline=None)
@given(st.text())
def test_split_loses_nothing(text):
    """Name and detail are parts of the text, in this order; the name has capitals and underscores only."""
    name, detail = split_error(text)

    assert text.startswith(name)
    assert detail in text[len(name) :]
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
    assert len(name) == 0 or len(name) >= 4
