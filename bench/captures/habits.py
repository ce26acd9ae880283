"""What clients do, well and badly: each habit as the plan that it leads to, and what must be found and answered."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import signs
from plans import Entry, File, Plan, Text, form

ACCEPTED = (200, None)
NO_SIGN = (400, "MISSING_ARGUMENTS: sign")
BAD_SIGN = (400, "BAD_ARGUMENTS: sign")
NO_API = (404, "API_NOT_FOUND")
NO_PICTURE = (400, "MISSING_ARGUMENTS: image_ref1")
BAD_PICTURE = (400, "BAD_ARGUMENTS: image_ref1")
UNREADABLE = (400, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image_ref1")
UNKNOWN_SIGNER = (403, "AUTHENTICATION_ERROR")
EXPIRED = (403, "AUTHORIZATION_ERROR: EXPIRED_SIGN")
BOUNDARY = "----7d1f3a5c9e"
KYC = {"liveness_type": "meglive", "comparison_type": "1", "idcard_name": "张三", "idcard_number": "990101199003071237"}
COMPARE = {"liveness_type": "still", "comparison_type": "0", "uuid": "user-1"}


@dataclass(frozen=True, slots=True)
class Stage:
    """What plans are made of: the time, and the pictures and texts as files in `place`."""

    at: int
    place: Path

    def file(self, name: str, content: bytes) -> Path:
        path = self.place / name
        path.write_bytes(content)
        return path


@dataclass(frozen=True, slots=True)
class Habit:
    """`findings`: ids that lint must tell above advice; `answer`: status and error of the mock."""

    plan: Callable[[Stage], Plan]
    findings: tuple[str, ...] = ()
    answer: tuple[int, str | None] = ACCEPTED


def texts(stage: Stage, fields: Mapping[str, str | None], sign: str | None = None) -> tuple[Text, ...]:
    """A sound sign and these fields; None leaves one out."""
    whole = {"sign": sign or signs.sound(stage.at), "sign_version": "hmac_sha1", **fields}
    return tuple(Text(name, value) for name, value in whole.items() if value is not None)


def kyc(**changes: str | None) -> Callable[[Stage], Plan]:
    """A KYC form with these fields changed."""
    return lambda stage: Plan(texts(stage, KYC | changes))


def compare(**changes: str | None) -> Callable[[Stage], Plan]:
    """A comparison with one picture and these fields changed."""
    return lambda stage: Plan((*texts(stage, COMPARE | changes), reference(stage)))


def reference(stage: Stage, name: str = "image_ref1", filename: str = "face.jpg") -> File:
    """The portrait as a reference."""
    return File(name, stage.place / "face.jpg", filename)


def but(of: Callable[[Stage], Plan], **changes: object) -> Callable[[Stage], Plan]:
    """The plan with other settings."""
    return lambda stage: replace(of(stage), **changes)  # type: ignore[arg-type]


def by_hand(
    of: Callable[[Stage], Plan], boundary: str = BOUNDARY, *, told: str | None = None, **how: bytes
) -> Callable[[Stage], Plan]:
    """The plan as a body made by hand; `told`: the media type that its header tells."""

    def plan(stage: Stage) -> Plan:
        made = of(stage)
        kind = f"multipart/form-data; boundary={boundary}" if told is None else told
        before = how.get("before", b"")
        body = before + form(made.entries, boundary, eol=how.get("eol", b"\r\n"), end=how.get("end", b"--\r\n"))
        return replace(made, mode="raw", content_type=kind, body=body)

    return plan


def with_entry(of: Callable[[Stage], Plan], entry: Callable[[Stage], Entry]) -> Callable[[Stage], Plan]:
    """The plan with one more entry at its end, in place of one of the same name."""

    def plan(stage: Stage) -> Plan:
        made, more = of(stage), entry(stage)
        return replace(made, entries=(*(old for old in made.entries if old.name != more.name), more))

    return plan


def picture(
    content: Callable[[bytes], bytes], name: str, filename: str = "face.jpg", media_type: str = "image/jpeg"
) -> Callable[[Stage], Plan]:
    """A comparison whose picture was changed on its way."""

    def entry(stage: Stage) -> Entry:
        path = stage.file(name, content((stage.place / "face.jpg").read_bytes()))
        return File("image_ref1", path, filename, media_type)

    return with_entry(compare(), entry)


def picture_text(text: Callable[[Path], str]) -> Callable[[Stage], Plan]:
    """A comparison whose picture is a text."""
    return with_entry(compare(), lambda stage: Text("image_ref1", text(stage.place / "face.jpg")))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _text_files(stage: Stage) -> Plan:
    """Every text as a file, as where one kind of part is used for all."""
    made = kyc()(stage)
    files = [File(entry.name, stage.file(f"{entry.name}.txt", entry.value.encode()), f"{entry.name}.txt", "text/plain")
             for entry in made.entries if isinstance(entry, Text)]  # fmt: skip
    return replace(made, entries=tuple(files))


def _twice(stage: Stage) -> Plan:
    made = compare(biz_no="order-7")(stage)
    return replace(made, entries=(*made.entries[:-1], Text("biz_no", "order-8"), made.entries[-1]))


def _urlencoded_as_multipart(stage: Stage) -> Plan:
    pairs = "&".join(f"{entry.name}={entry.value}" for entry in kyc()(stage).entries if isinstance(entry, Text))
    return Plan((), "raw", content_type=f"multipart/form-data; boundary={BOUNDARY}", body=pairs.encode())


_RAW_IMAGE = KYC | {"liveness_type": "raw_image", "return_faces": "1", "face_quality_threshold": "20"}


def raw_image(stage: Stage) -> Plan:
    """KYC with the picture to be compared, and no liveness."""
    return Plan((*texts(stage, _RAW_IMAGE), File("image", stage.place / "face.jpg")))


def two_pictures(stage: Stage) -> Plan:
    """A comparison with both references."""
    made = compare()(stage)
    return replace(made, entries=(*made.entries, File("image_ref2", stage.place / "face.png", "b.png", "image/png")))


HABITS: dict[str, Habit] = {
    # Sound.
    "kyc": Habit(kyc()),
    "kyc-all": Habit(
        kyc(
            biz_no="order #7 / 退款",
            verbose="1",
            security_level="3",
            liveness_timeout="30",
            liveness_action_count="2",
            face_replace_detection="0",
        )
    ),
    "flash": Habit(
        kyc(liveness_type="flash", flash_liveness_timeout="180", eyes_close_detection="1", liveness_level="2")
    ),
    "compare": Habit(compare()),
    "chinese": Habit(
        with_entry(compare(uuid="用户壹号", biz_no="流水号-42"), lambda stage: reference(stage, filename="照片.jpg"))
    ),
    "two-pictures": Habit(two_pictures),
    "raw-image": Habit(raw_image),
    "chunked": Habit(but(compare(), mode="chunked")),
    "expect": Habit(but(compare(), expect=True)),
    "toolbelt": Habit(but(compare(), mode="toolbelt")),
    "strict": Habit(but(compare(), mode="strict")),
    "by-hand": Habit(by_hand(compare())),
    "by-hand-chunked": Habit(but(by_hand(compare()), mode="chunked")),
    "by-hand-expect": Habit(but(by_hand(compare()), expect=True)),
    "by-hand-h2c": Habit(but(by_hand(compare()), mode="h2c")),
    "preamble": Habit(by_hand(kyc(), before=b"\r\n")),
    "dashes": Habit(by_hand(kyc(), "----------")),
    "no-last-crlf": Habit(by_hand(compare(), end=b"--")),
    # The form of the body.
    "urlencoded": Habit(but(kyc(), mode="urlencoded"), ("urlencoded-body",), NO_SIGN),
    "json": Habit(but(kyc(), mode="json"), ("json-body",), NO_SIGN),
    "query": Habit(but(kyc(), mode="query"), ("fields-in-query",), NO_SIGN),
    "get": Habit(but(kyc(), mode="query", method="GET"), ("not-post", "fields-in-query"), NO_API),
    "put": Habit(but(kyc(), method="PUT"), ("not-post",), NO_API),
    "wrong-path": Habit(but(kyc(), path="/faceid/v1/sdk/get_biz_token"), ("wrong-path",), NO_API),
    "no-boundary": Habit(but(compare(), content_type="multipart/form-data"), ("boundary-missing",), NO_SIGN),
    "by-hand-no-boundary": Habit(by_hand(kyc(), told="multipart/form-data"), ("boundary-missing",), NO_SIGN),
    "not-multipart": Habit(_urlencoded_as_multipart, ("body-not-multipart",), NO_SIGN),
    "unterminated": Habit(by_hand(compare(), end=b"\r\n"), ("multipart-unterminated",)),
    "not-closed": Habit(but(compare(), mode="not-closed"), ("multipart-unterminated",)),
    "lf": Habit(by_hand(kyc(), eol=b"\n", end=b"--\n"), ("lf-line-endings",)),
    "transfer-encoding": Habit(but(compare(), mode="base64"), ("part-transfer-encoding-base64",), UNREADABLE),
    "email": Habit(but(compare(), mode="email"), ("part-transfer-encoding-base64",), UNREADABLE),
    # Pictures.
    "lost-picture": Habit(
        lambda stage: Plan(texts(stage, COMPARE)), ("missing-image_ref1", "lost-file-part"), NO_PICTURE
    ),
    "no-filename": Habit(
        with_entry(compare(), lambda stage: reference(stage, filename="")), ("file-part-without-filename",)
    ),
    "empty-picture": Habit(picture(lambda _: b"", "empty.jpg"), ("file-part-empty",), NO_PICTURE),
    "path-as-text": Habit(picture_text(lambda _: "/data/upload/face.jpg"), ("image-path-as-text",), BAD_PICTURE),
    "path": Habit(but(compare(), mode="path"), ("image-path-as-text",), BAD_PICTURE),
    "at-path": Habit(but(compare(), mode="at-path"), ("image-path-as-text",), BAD_PICTURE),
    "base64": Habit(picture_text(_base64), ("image-base64",), BAD_PICTURE),
    "data-url": Habit(
        picture_text(lambda path: "data:image/jpeg;base64," + _base64(path)), ("image-base64",), BAD_PICTURE
    ),
    "base64-file": Habit(picture(base64.b64encode, "face.b64"), ("image-base64",), UNREADABLE),
    "picture-as-text": Habit(but(compare(), mode="picture-as-text"), ("image-bytes-corrupted",), UNREADABLE),
    "mangled": Habit(
        picture(lambda data: data.decode("utf-8", "replace").encode(), "mangled.jpg"),
        ("image-bytes-corrupted",),
        UNREADABLE,
    ),
    "wide": Habit(
        with_entry(compare(), lambda stage: File("image_ref1", stage.place / "wide.png", "wide.png", "image/png")),
        ("picture-too-large",),
        (400, "INVALID_IMAGE_SIZE:image_ref1"),
    ),
    # Fields.
    "text-as-file": Habit(_text_files, ("text-field-as-file",)),
    "quoted-name": Habit(but(compare(), mode="quoted-name"), ("field-name-corrupted",), NO_PICTURE),
    "brackets": Habit(
        with_entry(lambda stage: Plan(texts(stage, COMPARE)), lambda stage: reference(stage, "image_ref1[]")),
        ("field-name-corrupted",),
        NO_PICTURE,
    ),
    "misspelt": Habit(kyc(bizno="order-7"), ("unknown-field",)),
    "misspelt-required": Habit(
        kyc(idcard_number=None, id_card_number="990101199003071237"),
        ("unknown-field", "missing-idcard_number"),
        (400, "MISSING_ARGUMENTS: idcard_number"),
    ),
    "twice": Habit(_twice, ("duplicate-field",)),
    "no-name": Habit(kyc(idcard_name=None), ("missing-idcard_name",), (400, "MISSING_ARGUMENTS: idcard_name")),
    "no-sign": Habit(lambda stage: Plan(texts(stage, KYC)[1:]), ("missing-sign",), NO_SIGN),
    "no-sign-version": Habit(
        kyc(sign_version=None), ("missing-sign_version",), (400, "MISSING_ARGUMENTS: sign_version")
    ),
    "no-uuid": Habit(compare(uuid=None), ("missing-uuid",), (400, "MISSING_ARGUMENTS: uuid")),
    "empty-name": Habit(kyc(idcard_name=""), ("missing-idcard_name",), (400, "MISSING_ARGUMENTS: idcard_name")),
    "other-liveness": Habit(compare(liveness_action_count="3"), ("other-liveness-type",)),
    "unlisted": Habit(kyc(liveness_type="video"), ("value-out-of-list",), (400, "BAD_ARGUMENTS: liveness_type")),
    "true": Habit(
        kyc(face_replace_detection="true"), ("value-out-of-list",), (400, "BAD_ARGUMENTS: face_replace_detection")
    ),
    "too-many-seconds": Habit(
        kyc(liveness_timeout="120"), ("value-out-of-range",), (400, "BAD_ARGUMENTS: liveness_timeout")
    ),
    "long-uuid": Habit(compare(uuid="客" * 43), ("value-too-long",), (400, "BAD_ARGUMENTS: uuid")),
    "old-idcard": Habit(kyc(idcard_number="990101900307123"), ("idcard-form",), (400, "BAD_ARGUMENTS: idcard_number")),
    "spaced-idcard": Habit(
        kyc(idcard_number="990101 19900307 1237"), ("idcard-form",), (400, "BAD_ARGUMENTS: idcard_number")
    ),
    "idcard-checksum": Habit(kyc(idcard_number="990101199003071233"), ("idcard-checksum",)),
    "latin": Habit(but(kyc(), mode="latin"), ("text-mangled",)),
    "mojibake": Habit(kyc(idcard_name="张三".encode().decode("latin-1")), ("text-mangled",)),
    "gbk": Habit(
        kyc(idcard_name="张三".encode("gbk").decode("utf-8", "surrogateescape")),
        ("value-not-utf-8",),
        (400, "BAD_ARGUMENTS: idcard_name"),
    ),
    "quoted-printable": Habit(
        but(kyc(), mode="quoted-printable"), ("part-transfer-encoding-quoted-printable",), BAD_SIGN
    ),
    "secret": Habit(kyc(api_secret=signs.SECRET), ("secret-on-the-wire", "unknown-field")),
}

_SIGN_ANSWERS = {
    "sign-wrong-secret": UNKNOWN_SIGNER,
    "sign-unknown-key": UNKNOWN_SIGNER,
    "sign-milliseconds": ACCEPTED,
    "sign-expired": EXPIRED,
    "sign-expired-by-design": EXPIRED,
    "sign-clock-shift": ACCEPTED,
    "sign-validity-too-long": ACCEPTED,
}


def _signed(mistake: Callable[[int], str]) -> Callable[[Stage], Plan]:
    return lambda stage: Plan(texts(stage, KYC, mistake(stage.at)))


HABITS |= {
    name: Habit(_signed(mistake), (name,), _SIGN_ANSWERS.get(name, BAD_SIGN))
    for name, mistake in signs.MISTAKES.items()
}
