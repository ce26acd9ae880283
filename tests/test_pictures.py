"""Every picture that a case names can be made, is what its name says, and differs where it must."""

import hashlib
import io

import pytest
from PIL import Image, ImageFilter, ImageStat, UnidentifiedImageError

from biztoken import contract as contracts
from biztoken.cases import load_cases
from biztoken.errors import UserError
from biztoken.fuzz.views import PICTURES as DRAWN
from biztoken.model import Upload
from biztoken.pictures import BROKEN, Pictures
from biztoken.settings import Target
from biztoken.signing import Key, Secret
from biztoken.suite import Options, Suite

PICTURES = Pictures()
SIZES = {
    "face": (300, 300),
    "face.png": (300, 300),
    "face-fresh": (300, 300),
    "fresh-1200": (1200, 1200),
    "no-face": (300, 300),
    "two-faces": (600, 300),
    "three-faces": (900, 300),
    "two-faces-large-sharp-3.5": (600, 300),
    "turned-90": (300, 300),
    "blurred-2": (300, 300),
    "side-4096": (4096, 4096),
    "wide-4097": (4097, 3840),
    "tall-4097": (3840, 4097),
}


def named(value) -> set[str]:
    """The names of pictures in a case's fields."""
    return {field["picture"] for field in value.values() if isinstance(field, dict) and "picture" in field}


NAMED = {name for case in load_cases(contracts.load()) for name in named(case.set) | named(case.base)}
NAMED |= {picture.label for picture in DRAWN.values()}


def opened(upload: Upload) -> Image.Image:
    """The picture, decoded whole."""
    picture = Image.open(io.BytesIO(upload.data))
    picture.load()
    return picture


def sharpness(name: str, box: tuple[int, int, int, int] | None = None) -> float:
    """How much neighbouring pixels differ: less for a blurred picture."""
    picture = opened(PICTURES.get(name)).convert("L").crop(box)
    return ImageStat.Stat(picture.filter(ImageFilter.FIND_EDGES)).stddev[0]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_picture_of_a_case_exists(name):
    """Each picture that a case file or a fuzz view names can be made, under that label."""
    assert PICTURES.get(name).label == name


@pytest.mark.parametrize("name", sorted(SIZES))
def test_picture_has_the_size_of_its_name(name):
    """4096 is legal and 4097 in either direction is not, so a pixel more or less would void a case."""
    assert opened(PICTURES.get(name)).size == SIZES[name]


@pytest.mark.parametrize("name", sorted(SIZES))
def test_media_type_and_filename_fit_the_bytes(name):
    """What is sent as JPEG is one, and so for PNG; no other format is documented."""
    upload = PICTURES.get(name)

    kind = opened(upload).format

    assert (upload.media_type, upload.filename) == {
        "JPEG": ("image/jpeg", "picture.jpg"),
        "PNG": ("image/png", "picture.png"),
    }[kind]


@pytest.mark.parametrize("name", sorted(SIZES))
def test_picture_fits_into_a_request(name):
    """No picture comes near the limit of 20 MB, so none can be refused for its bytes."""
    assert len(PICTURES.get(name).data) < 4_000_000


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_picture_cannot_be_identified(name):
    """What is to be undecodable has no valid header of any format that Pillow knows."""
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(PICTURES.get(name).data))


def test_truncated_picture_has_a_valid_header():
    """A JPEG cut near its end is one that some libraries decode: that is why it is only observed."""
    whole, cut = PICTURES.get("face").data, PICTURES.get("truncated").data

    assert cut == whole[: len(cut)]
    assert len(whole) - len(cut) == 200
    assert Image.open(io.BytesIO(cut)).size == (300, 300)


@pytest.mark.parametrize("name", ["face-fresh", "fresh-1200"])
def test_fresh_pictures_differ(name):
    """No cache can have seen a fresh picture: no two are the same, to the byte and to the pixel."""
    pictures = [PICTURES.get(name) for _ in range(3)]

    assert len({hashlib.sha256(picture.data).digest() for picture in pictures}) == 3
    assert len({opened(picture).tobytes() for picture in pictures}) == 3


def test_seed_and_series_make_the_fresh_pictures():
    """The same seed and series make the same ones; another run, with a series of its own, brings none a second time."""
    keys = ((3, "a"), (3, "a"), (4, "a"), (3, "b"))
    first, again, *others = (Pictures(None, seed, series).get("face-fresh").data for seed, series in keys)

    assert first == again
    assert len({first, *others}) == 3


def test_run_has_a_series_of_its_own(tmp_path):
    """Two runs with one seed share every picture but the fresh ones, which a target may remember from the first."""
    made = []
    for name in ("first", "second"):
        tested = Target("t", "http://127.0.0.1:9/", {"active": Key("k", Secret("s"))})
        (tmp_path / name).mkdir()
        suite = Suite(Options(), contracts.load(), tested, tmp_path / name)
        made.append([suite.run.samples.pictures.get(kind).data for kind in ("face", "face-fresh")])
        suite.evidence.close()

    assert made[0][0] == made[1][0]
    assert made[0][1] != made[1][1]


def test_other_pictures_are_made_once():
    """A picture is the same object each time: a target may keep what it saw in it."""
    assert PICTURES.get("two-faces") is PICTURES.get("two-faces")


def test_turned_picture_is_the_portrait_turned():
    """A quarter turn and its three repetitions give the portrait back, but for the JPEG's losses."""
    face, turned = opened(PICTURES.get("face")), opened(PICTURES.get("turned-90"))

    back = turned.rotate(-90)
    differences = [abs(a - b) for a, b in zip(back.tobytes(), face.tobytes(), strict=True)]

    assert sum(differences) / len(differences) < 4
    assert turned.tobytes() != face.tobytes()


def test_blur_grows_with_its_radius():
    """A larger radius leaves less detail, so that a bisection over radii finds what it looks for."""
    values = [sharpness(name) for name in ("face", "blurred-0.5", "blurred-2", "blurred-6")]

    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


@pytest.mark.parametrize(("largest", "left_is_sharper"), [("sharp", True), ("blurred", False)])
def test_larger_of_two_faces_is_as_named(largest, left_is_sharper):
    """The larger face stands left; it is the sharp or the blurred one, and the smaller one is the other."""
    name = f"two-faces-large-{largest}-4"

    left, right = (sharpness(name, box) for box in ((20, 20, 280, 280), (320, 110, 490, 280)))

    assert (left > right) is left_is_sharper


@pytest.mark.parametrize("name", ["face.jpg", "faces", "", "own-low-quality", "two_faces"])
def test_unknown_name_is_a_key_error(name):
    """A name that does not exist is a KeyError, as the reader of a case file may rely on."""
    with pytest.raises(KeyError):
        PICTURES.get(name)


@pytest.mark.parametrize("name", ["turned-left", "side-", "fresh-x"])
def test_unknown_measure_is_a_key_error(name):
    """A known kind with a measure that is none is a name that does not exist, too."""
    with pytest.raises(KeyError):
        PICTURES.get(name)


def test_own_pictures_take_the_place_of_ours(tmp_path):
    """A picture of the target file is sent as it is, to the byte, with its own media type."""
    path = tmp_path / "own.png"
    Image.new("RGB", (40, 30), "navy").save(path)
    pictures = Pictures({"two_faces": path, "no_face": path, "turned": path, "low_quality": path})

    for name in ("two-faces", "no-face", "turned-90", "own-low-quality"):
        assert pictures.get(name).data == path.read_bytes()
        assert pictures.get(name).media_type == "image/png"
    assert opened(pictures.get("three-faces")).size == (900, 300)


def test_face_as_blob_is_the_face_under_the_name_that_browsers_give():
    """A picture that has no file name of its own comes as `blob`."""
    pictures = Pictures()
    blob, face = pictures.get("face-as-blob"), pictures.get("face")

    assert (blob.label, blob.filename, blob.media_type) == ("face-as-blob", "blob", "image/jpeg")
    assert blob.data == face.data


def test_own_face_is_what_all_others_are_made_of(tmp_path):
    """With a portrait of the user every picture that shows a face shows that one."""
    path = tmp_path / "own.png"
    Image.new("RGB", (80, 80), (200, 20, 20)).save(path)
    pictures = Pictures({"face": path})

    assert pictures.get("face").data == path.read_bytes()
    for name in ("face.png", "turned-180", "blurred-2"):
        assert opened(pictures.get(name)).getpixel((40, 40))[0] > 150


def test_unreadable_portrait_is_told_in_one_sentence(tmp_path):
    """A file that is no picture is the user's mistake: the sentence names it and what to give."""
    path = tmp_path / "face.jpg"
    path.write_bytes(b"no picture")

    with pytest.raises(UserError) as caught:
        Pictures({"face": path})

    assert str(path) in caught.value.what
    assert "JPEG or PNG" in caught.value.hint


@pytest.mark.parametrize("key", ["two_faces", "no_face", "low_quality", "turned"])
def test_unreadable_own_picture_is_found_before_the_first_request(tmp_path, key):
    """A picture of the user that is none is their mistake: sent as it is, the target would pay for it."""
    path = tmp_path / "own.jpg"
    path.write_bytes(b"no picture")

    with pytest.raises(UserError):
        Pictures({key: path})
