"""The journal's page in a real browser: an answer is chosen, a request arrives as it comes, its findings are read."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mock_service import BOUNDARY, COMPARE, FACE, KYC, RAW, Service, body, running, sign
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from test_control import EXAMINER

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="there is no Chromium with its chromedriver here")
PATIENCE = 20
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
    "--window-size=1400,1100",
)


class Page:
    """The page in a browser, beside a mock."""

    def __init__(self, driver: webdriver.Chrome, service: Service) -> None:
        self.driver = driver
        self.service = service
        self.place = "http://{}:{}/_biztoken/".format(*service.address)

    def open(self, lang: str = "en") -> None:
        """Load the page anew, with nothing in the journal and nothing chosen."""
        requests.post(f"{self.place}api/clear", json={}, timeout=PATIENCE).raise_for_status()
        self.driver.get("about:blank")
        self.driver.get_log("browser")  # what earlier tests left
        self.driver.get(f"{self.place}?lang={lang}")
        self.until(lambda: "on" in self.one("#live").get_attribute("class").split())

    def one(self, selector: str) -> WebElement:
        """The first element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Every element."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, is_so: Callable[[], Any]) -> None:
        """Wait for the page; of what a browser draws no event tells."""
        ignored = [StaleElementReferenceException]  # drawn anew between two looks
        WebDriverWait(self.driver, PATIENCE, 0.02, ignored).until(lambda _: is_so())

    def text(self, selector: str) -> str:
        """What an element shows."""
        return self.one(selector).text

    def choose(self, name: str, verb: str = "next") -> None:
        """Choose an answer as a person does: open, filter, click."""
        if not self.one("#chooser").is_displayed():
            self.one("#open").click()
        self.until(lambda: self.one("#chooser").is_displayed() and self.all("#choices li"))
        self.one("#filter").clear()
        self.one("#filter").send_keys(name)
        self.until(lambda: self.all(f'#choices [data-name="{name}"]'))
        self.one(f'#choices [data-name="{name}"] [data-verb={verb}]').click()

    @property
    def complaints(self) -> list[str]:
        """What the console says: errors of the script, and what the policy of the page forbids."""
        return [row["message"] for row in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A browser of its own, with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A mock with a journal."""
    with running(journal=tmp_path_factory.mktemp("journal"), lint=EXAMINER) as started:
        yield started


@pytest.fixture
def page(driver: webdriver.Chrome, service: Service) -> Page:
    """The page, opened."""
    opened = Page(driver, service)
    opened.open()
    return opened


def curl(page: Page, tmp_path: Path, **fields: str) -> str:
    """Send a form as an integrator would; what comes back."""
    (tmp_path / "face.jpg").write_bytes(FACE)
    form = [part for name, value in ({"sign": sign()} | fields).items() for part in ("-F", f"{name}={value}")]
    done = subprocess.run(
        ["curl", "-sS", *form, page.service.url], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_an_error_is_picked_and_its_request_read_without_reloading(page: Page, tmp_path: Path) -> None:
    """Pick an error, send a request with curl, see it arrive, read its findings."""
    page.driver.execute_script("window.loadedOnce = true")
    page.choose("CONCURRENCY_LIMIT_EXCEEDED")
    page.until(lambda: page.text("#queue") == "CONCURRENCY_LIMIT_EXCEEDED")

    told = curl(page, tmp_path, **RAW, image="@face.jpg", bizno="order-1")

    page.until(lambda: page.all("#list button"))
    page.until(lambda: page.all('[data-finding="unknown-field"]'))
    assert json.loads(told)["error"] == "CONCURRENCY_LIMIT_EXCEEDED"
    assert page.text(".head .pill") == "403"
    assert page.text(".head strong") == "CONCURRENCY_LIMIT_EXCEEDED"
    finding = page.text('[data-finding="unknown-field"]')
    assert "biz_no is the nearest name" in finding
    assert "Fix" in finding
    assert page.text("#queue") == ""
    assert page.driver.execute_script("return window.loadedOnce")
    assert page.complaints == []


def test_fields_sign_structure_and_answer_are_shown(page: Page, tmp_path: Path) -> None:
    """Each field as parsed, pictures by their measures, the sign's four fields, private values hidden."""
    curl(page, tmp_path, **RAW, image="@face.jpg")
    page.until(lambda: page.all('[data-card="repeat"]'))

    assert page.text('[data-field="liveness_type"] .value') == "raw_image"
    assert page.text('[data-field="idcard_number"] .value') == "hidden, 18 characters"
    assert page.text('[data-field="image"] .value').startswith('JPEG 300 × 300 · "face.jpg" · sha256')
    signed = page.text('[data-card="sign"]')
    assert "demo-active" in signed
    assert "right for this key" in signed
    page.one('[data-card="structure"] summary').click()
    assert 'form-data; name="image"; filename="face.jpg"' in page.text('[data-card="structure"]')
    assert '"biz_token"' in page.text('[data-card="answer"]')
    assert KYC["idcard_number"] not in page.driver.page_source


def test_the_curl_line_on_the_page_sends_the_request_again(page: Page, tmp_path: Path) -> None:
    """Copied into a shell, it makes the next entry."""
    curl(page, tmp_path, **KYC)
    page.until(lambda: page.all('[data-card="repeat"] pre'))
    line = page.text('[data-card="repeat"] pre')

    subprocess.run(["bash", "-c", line], capture_output=True, check=True, timeout=PATIENCE)

    page.until(lambda: len(page.all("#list button")) == 2)


def test_the_page_speaks_both_languages(page: Page, tmp_path: Path) -> None:
    """A click changes every text, findings included, and the choice is remembered."""
    curl(page, tmp_path, **KYC, bizno="1")
    page.until(lambda: page.all('[data-finding="unknown-field"]'))
    page.one("[data-lang=zh]").click()
    page.until(lambda: page.text("#requests-title").startswith("请求"))

    assert "最接近的名称是" in page.text('[data-finding="unknown-field"]')
    assert page.one("html").get_attribute("lang") == "zh-Hans"
    page.driver.get(page.place)
    page.until(lambda: page.text("#answers-title") == "接下来的应答")
    page.one("[data-lang=en]").click()
    page.until(lambda: page.text("#answers-title") == "Next answers")


def test_answers_for_all_and_of_ones_own(page: Page, tmp_path: Path) -> None:
    """An answer stands until it is taken back; changes are written as JSON, and a slip is told."""
    page.choose("INTERNAL_ERROR", "always")
    page.until(lambda: page.text("#always") == "INTERNAL_ERROR")
    assert "INTERNAL_ERROR" in curl(page, tmp_path, **KYC)
    for text, problem in (('{"statu": 1}', "did you mean status"), ("[]", "no JSON object")):
        page.one("#changes").clear()
        page.one("#changes").send_keys(text)
        page.one("#custom [value=next]").click()
        page.until(lambda problem=problem: problem in page.text("#problem"))
    page.one("#reset").click()
    page.until(lambda: page.text("#always") == "as the contract says")

    assert "biz_token" in curl(page, tmp_path, **KYC)


def test_what_a_client_sends_is_shown_as_text(page: Page) -> None:
    """Markup in any place is letters on the page: nothing is run, nothing is loaded."""
    evil = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    fields = KYC | {"biz_no": evil, evil[:60]: evil, "sign": evil}
    content = body(fields | {"image_ref1": FACE}).replace(b'filename="a.jpg"', b"filename*=UTF-8''%3Cimg%20src=x%3E")
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "X-Evil": evil, "User-Agent": evil}
    requests.post(f"{page.service.url}?{evil}", data=content, headers=headers, timeout=PATIENCE)
    requests.post(page.service.url, data=evil, headers={"Content-Type": "text/html"}, timeout=PATIENCE)
    requests.post(
        f"{page.place}api/answers/next", json={"answers": [{"body": evil, "set": {evil: evil}}]}, timeout=PATIENCE
    )
    requests.post(page.service.url, data=body(COMPARE), headers=headers, timeout=PATIENCE)
    page.until(lambda: len(page.all("#list button:has(.mark)")) == 3)  # judged: they change no more

    for number in [row.get_attribute("data-id") for row in page.all("#list button")]:
        page.one(f'#list [data-id="{number}"]').click()
        page.until(lambda number=number: page.text(".head .facts").startswith(f"#{number}"))
        page.driver.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")

    assert page.driver.title == "biztoken mock"
    assert page.all("#detail img, #list img, #queue img, #detail script") == []
    assert "<img src=x" in page.one("#detail").text + page.one("#list").text
    assert page.complaints == []


def test_a_page_that_lost_the_mock_says_so_and_comes_back(driver: webdriver.Chrome, tmp_path: Path) -> None:
    """The mock is stopped and started again on its port: the page goes on, with the old entries and the new."""
    with running(journal=tmp_path / "journal") as service:
        page = Page(driver, service)
        page.open()
        service.post(KYC)
        page.until(lambda: len(page.all("#list button")) == 1)
        port = service.address[1]
        service.process.kill()
        page.until(lambda: "connection lost" in page.text("#live"))
    with running(journal=tmp_path / "journal", port=port) as service:
        page.until(lambda: page.text("#live") == "live")
        service.post(KYC)
        page.until(lambda: len(page.all("#list button")) == 2)


def test_clearing_empties_the_list_on_every_page(page: Page, tmp_path: Path) -> None:
    """What one page does the others show."""
    curl(page, tmp_path, **KYC)
    page.until(lambda: page.all("#list button"))
    requests.post(f"{page.place}api/clear", json={"what": ["entries"]}, timeout=PATIENCE)

    page.until(lambda: not page.all("#list button"))
    assert "Waiting for the first request" in page.text("#detail")
