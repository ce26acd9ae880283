"""A region stands for the host that the vendor documents for it."""

import pytest
from test_settings_mistakes import KEYS, read

from biztoken.errors import UserError
from biztoken.settings import REGIONS

PATH = "/faceid/v3/sdk/get_biz_token"


@pytest.mark.parametrize(("region", "host"), REGIONS.items())
def test_region_makes_the_url(tmp_path, region, host):
    """Without a url the region's is taken, and its host names the target."""
    made = read(f"region: {region}\n{KEYS}", tmp_path)

    assert (made.url, made.name) == (f"https://{host}{PATH}", host)


def test_url_of_the_same_host_wins(tmp_path):
    """Both may stand there, where they mean the same host; the path is the url's."""
    made = read(f"region: singapore\nurl: https://api-sgp.megvii.com/other\n{KEYS}", tmp_path)

    assert made.url == "https://api-sgp.megvii.com/other"


MISTAKES = {
    "another host": (
        f"region: china\nurl: https://api-sgp.megvii.com{PATH}\n{KEYS}",
        "region",
        "china is api.megvii.com, but url names another host; keep one of the two",
    ),
    "neither": (KEYS, "url", "add it, or region in its place"),
    "unknown region": (f"region: europe\n{KEYS}", "region", "one of china, singapore, indonesia"),
    "misspelt": (f"regoin: china\n{KEYS}", "regoin", "did you mean region?"),
    "null": (f"region:\n{KEYS}", "region", "one of china"),
}


@pytest.mark.parametrize(("text", "names", "says"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_told(tmp_path, text, names, says):
    """In both languages, with the field as it was written."""
    with pytest.raises(UserError) as caught:
        read(text, tmp_path)

    assert caught.value.what == f"{tmp_path / 'target.yaml'}: {names}"
    assert says in caught.value.hint
    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.zh)


def test_hosts_are_the_documented_ones():
    """Typed from the vendor's pages: faceid.com for China, global.faceid.com for the others."""
    assert REGIONS == {
        "china": "api.megvii.com",
        "singapore": "api-sgp.megvii.com",
        "indonesia": "api-idn.megvii.com",
    }
