"""The HTML report in a browser: links lead, filters filter, hostile text does nothing, 2,000 findings stay quick."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_html import EVIL, EVIL_FINDING

import bnlint
from bnlint.findings import Finding, Place, Severity
from bnlint.reporters import render
from bnlint.reporters.report import Report
from bnlint.reporters.sources import Sources
from bnlint.run.plan import Request

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parents[1] / "fixtures" / "programs"
ARGUMENTS = """--headless --no-sandbox --disable-gpu --disable-background-networking --disable-quic --no-first-run
--disable-component-update --disable-sync""".split()
KEYS = "return [...document.querySelectorAll('.finding')].filter(f => !f.hidden)"
SEEN = """const box = document.activeElement.getBoundingClientRect();
return box.width > 0 && box.bottom > 0 && box.top < innerHeight"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium without a window, with a profile of its own."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.fail("needs Chromium: apt-get install chromium chromium-driver", pytrace=False)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_window_size(1200, 900)
    yield chrome
    chrome.quit()


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Callable[[str], Chrome]:
    """Opens a page; afterwards the browser must have had nothing to complain about, and have loaded nothing else."""

    def open_page(html: str) -> Chrome:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(path.as_uri())
        assert browser.get_log("browser") == []
        assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
        return browser

    return open_page


@pytest.fixture(scope="module")
def programs() -> str:
    """The report of the shipped programs, with fixes and pictures."""
    from bnlint.run import engine

    plan = Request(config={}).plan(fixes=True)
    plan.scenes = "findings"
    report = engine.run(plan, [str(PROGRAMS)], jobs=1)
    return render("html", report, [plan.book[name] for name in plan.rules])


def many(count: int) -> str:
    """A report of so many findings in a fiftieth as many files, with code."""
    rules = ["tiny-batch", "redundant-bias", "repeated-batchnorm", "mixed-placement"]
    texts = {f"net{n}.py": "import keras\n" * 100 for n in range(count // 50)}
    findings = [
        Finding(
            rules[n % 4],
            "batch",
            list(Severity)[n % 3],
            Place(f"net{n // 50}.py", None, 1 + n % 50, 1, 1 + n % 50, 7),
            f"finding {n}",
            "why",
        )
        for n in range(count)
    ]
    from bnlint.rulebook.folders import open_book

    return render("html", Report(findings, checked=40), list(open_book().values()), sources=Sources(texts))


def shown(page: Chrome) -> list[Any]:
    """The findings that are not filtered away."""
    return list(page.execute_script(KEYS))


def press(page: Chrome, keys: str) -> None:
    """Type, wherever the focus is."""
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(keys).perform()


def settled(page: Chrome) -> None:
    """Wait until what was asked for has been drawn: some events come only then."""
    page.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => setTimeout(done, 60))")


def test_every_link_leads_to_what_is_then_in_view(opened: Callable[[str], Chrome], programs: str) -> None:
    page = opened(programs)
    links = page.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
    )
    assert len(set(links)) > 60
    for link in dict.fromkeys(links):
        page.execute_script("location.hash = arguments[0]", link)
        settled(page)
        found = page.execute_script(
            "const box = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth",
            link[1:],
        )
        assert found, link


def test_a_finding_s_link_to_the_picture_and_back(opened: Callable[[str], Chrome], programs: str) -> None:
    page = opened(programs)
    link = page.find_element("css selector", ".finding a[href*='model-'][href*='-'][href$='2']")
    target, finding = link.get_attribute("hash"), link.find_element("xpath", "ancestor::article").get_attribute("id")
    link.send_keys("\n")
    settled(page)
    assert f"#{page.switch_to.active_element.get_attribute('id')}" == target
    back = f"{target} a[href='#{finding}']"
    page.execute_script(
        "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))", back
    )
    settled(page)
    assert page.switch_to.active_element.get_attribute("id") == finding
    assert page.execute_script(SEEN)


def test_filters_by_severity_rule_and_file(opened: Callable[[str], Chrome], programs: str) -> None:
    page = opened(programs)
    everything = len(shown(page))
    errors = len(page.find_elements("css selector", ".finding.error"))
    assert everything > errors > 3
    press(page, "w")
    press(page, "a")
    assert len(shown(page)) == errors
    assert {one.get_attribute("data-severity") for one in shown(page)} == {"error"}
    assert page.find_element("id", "shown").text == f"{errors} of {everything} shown"
    press(page, "0")
    assert len(shown(page)) == everything
    box = page.find_element("css selector", "input[data-rule='tiny-batch']")
    box.send_keys(" ")
    left = {one.get_attribute("data-rule") for one in shown(page)}
    assert "tiny-batch" not in left and len(left) > 5
    press(page, "0")
    press(page, "/")
    press(page, "unet_wrong")
    places = {one.find_element("class name", "place").text.rpartition("/")[2].partition(":")[0] for one in shown(page)}
    assert places == {"unet_wrong.py"}
    files = page.find_elements("css selector", "section.file")
    assert [file.is_displayed() for file in files].count(True) == 1
    press(page, "zzz")
    assert shown(page) == []


def test_a_link_to_what_is_filtered_away_shows_it(opened: Callable[[str], Chrome], programs: str) -> None:
    page = opened(programs)
    press(page, "e")
    hidden = page.find_element("css selector", ".finding[hidden]").get_attribute("id")
    page.execute_script("location.hash = arguments[0]", f"#{hidden}")
    settled(page)
    assert page.find_element("id", str(hidden)).is_displayed()


def test_the_keyboard_goes_through_findings_cards_and_pictures(opened: Callable[[str], Chrome], programs: str) -> None:
    page = opened(programs)
    press(page, "jjj")
    active = page.switch_to.active_element
    assert active.get_attribute("id") == "finding-2" and page.execute_script(SEEN)
    press(page, "k")
    assert page.switch_to.active_element.get_attribute("id") == "finding-1"
    press(page, "o")
    settled(page)
    here = page.switch_to.active_element
    rule = here.get_attribute("data-rule")
    card = here.find_element("css selector", ".why .body")
    assert card.is_displayed()
    original = page.find_element("css selector", f"#rule-{rule} .body").get_attribute("textContent")
    assert card.get_attribute("textContent") == original and len(original or "") > 500
    press(page, "o")
    assert not card.is_displayed()
    press(page, "p")
    settled(page)
    assert page.execute_script("return document.activeElement.closest('.model') !== null")
    assert page.execute_script(SEEN)


def test_formulas_are_laid_out(opened: Callable[[str], Chrome], programs: str) -> None:
    """A fraction is higher than its denominator: the browser knows MathML without a script."""
    page = opened(programs)
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    heights = page.execute_script(
        "return [...document.querySelectorAll('#cards mfrac')].map(f => [f, f.lastChild].map("
        "e => e.getBoundingClientRect().height))"
    )
    assert len(heights) > 3 and all(whole > 1.5 * part > 0 for whole, part in heights)


def test_hostile_text_does_nothing(opened: Callable[[str], Chrome]) -> None:
    from bnlint.graph.picture import Scene, Shown

    places = frozenset({EVIL_FINDING.place})
    node = Shown(0, EVIL, "linear", EVIL, (EVIL,), places=places)
    scene = Scene(EVIL, "functional", EVIL_FINDING.place, (node,), ((0,),), places)
    html = render("html", Report([EVIL_FINDING], scenes=[scene]), sources=Sources({EVIL: EVIL}))
    page = opened(html)
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    settled(page)
    assert page.execute_script("return window.hacked") is None
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return document.images.length") == 0
    texts = page.execute_script(
        "return [...document.querySelectorAll('.finding h3, .picture text')].map(e => e.textContent)"
    )
    assert len(texts) > 3 and any("<script>hacked=1</script>" in text for text in texts)


def test_2000_findings_cost_as_much_a_finding_as_500(opened: Callable[[str], Chrome]) -> None:
    """Neither the page nor what a filter changes in it grows faster than the findings; what is closed costs nothing."""
    measure = """
    const done = arguments[0], box = document.querySelector("input[data-severity=warning]");
    let changes = 0;
    new MutationObserver(list => { changes += list.length; }).observe(
        document.body, {subtree: true, childList: true, attributes: true});
    box.click();
    document.body.getBoundingClientRect();
    setTimeout(() => done([changes, document.querySelectorAll("*").length]), 50);
    """
    few, lots = (opened(many(count)).execute_async_script(measure) for count in (500, 2000))
    assert 2000 / 3 - 2 < lots[0] < 2000 / 3 + 60
    assert lots[1] / few[1] < 4 and lots[1] < 2000 * 40


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable(opened: Callable[[str], Chrome], programs: str, scheme: str, width: int) -> None:
    """Nothing reaches out of the page to the right, and text stands out from its ground by the WCAG's 4.5."""
    page = opened(programs)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    settled(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    contrasts = page.execute_script(
        """
        const light = c => c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
        const numbers = text => text.match(/[\\d.]+/g).map(Number);
        const ground = e => { for (; e; e = e.parentElement) {
            const c = numbers(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
        return [...document.querySelectorAll("h1,h2,p,a,td,summary,label,pre,mark,ins,del,.badge,.soft,figcaption")]
            .filter(e => !e.closest("svg")).map(e => {
                const ink = light(numbers(getComputedStyle(e).color).slice(0, 3));
                const [a, b] = [ink, light(ground(e))].sort((x, y) => y - x);
                return [(a + .05) / (b + .05), e.tagName + "." + e.className]; });
        """
    )
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert len(contrasts) > 200
    assert [one for one in contrasts if one[0] < 4.5] == []


def test_draws_what_the_browser_shows_too(opened: Callable[[str], Chrome]) -> None:
    """No label is wider than its shape, with the fonts that are there."""
    page = opened(f"<!DOCTYPE html>{bnlint.draw(PROGRAMS / 'unet_wrong.py', config={})}")
    wide = page.execute_script(
        "return [...document.querySelectorAll('.node')].map(n => ["
        "n.querySelector('text.kind').getBBox().width, n.querySelector('.shape').getBBox().width, n.textContent])"
    )
    assert len(wide) > 10 and [one for one in wide if one[0] > one[1]] == []
    cut = page.execute_script(
        "const page = document.querySelector('svg').getBoundingClientRect();"
        "return [...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().right > page.right)"
        ".map(t => t.textContent)"
    )
    assert cut == []
