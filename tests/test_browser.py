"""The book as a reader meets it, in Chromium: light and dark, on a phone and on a desk, without a network.

`MICROEXP_HTML` names the folder of a built book; without it the chapters that are kept in `book/` are rendered. Skipped
where Playwright or Chromium is missing (`pip install playwright axe-playwright-python`; Debian: chromium).
"""

import functools
import http.server
import os
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from lib.core import paths

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
QUIET = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update")
LARGEST_PAGE = 1 << 20  # bytes
LEAST_CONTRAST = 3
LABEL = 10 * 96 / 72  # pixels of a label in a picture at its full width: ten points

# Visible pieces of text whose contrast with the ground they stand on is under a limit.
FAINT_TEXT = """limit => {
  const luminance = colour => {
    const [r, g, b] = colour.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const rgba = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, ground) => ground.map((v, i) => v * (1 - top[3]) + top[i] * top[3]);
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage != 'none') return null;
      const colour = rgba(style.backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] == 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 3 || box.height < 3) continue;
    const under = ground(element);
    if (!under) continue;
    const [high, low] = [luminance(over(rgba(getComputedStyle(element).color), under)), luminance(under)]
      .sort((a, b) => b - a);
    if ((high + .05) / (low + .05) < limit) faint.push(text.slice(0, 40));
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    if given := os.environ.get("MICROEXP_HTML"):
        return Path(given).resolve()
    from lib.book import assemble
    from lib.book.profiles import read_profile

    out = tmp_path_factory.mktemp("book")
    kept = assemble.Executed(paths.REPOSITORY / "book", partial=True, kept=True)
    return assemble.build_html(assemble.assemble(read_profile("full"), kept, out), out).parent


@pytest.fixture(scope="module")
def pages(book) -> list[str]:
    found = (path.relative_to(book) for path in sorted(book.rglob("*.html")))
    return [path.as_posix() for path in found if not path.parts[0].startswith(("_", "genindex", "search"))]


@pytest.fixture(scope="module")
def site(book):
    handler = functools.partial(Silent, directory=str(book))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """`visit(page, scheme, width)` opens a page; what it asks of other hosts, and its errors, are kept with it."""
    contexts = []

    def visit(name: str, scheme: str = "light", width: int = 1440):
        contexts.append(browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(f"{name}: {error}"))
        page.on("console", lambda said: page.faults.append(f"{name}: {said.text}") if said.type == "error" else None)

        def route(request):
            if request.request.url.startswith((site, "data:", "blob:")):
                request.continue_()
            else:
                page.faults.append(f"{name} asks for {request.request.url}")
                request.abort()

        page.route("**/*", route)
        page.goto(f"{site}/{name}", wait_until="load")
        return page

    yield visit
    for context in contexts:
        context.close()


def test_no_page_has_an_error_or_needs_another_host_and_nothing_is_wider_than_a_phone(pages, visit):
    faults = []
    for name in pages:
        page = visit(name, width=360)
        page.wait_for_timeout(100)
        faults += page.faults
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults += [f"{name} is {excess} px too wide"] if excess > 0 else []
        page.context.close()
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_told_from_its_ground(scheme, pages, visit):
    faint = {}
    for name in pages:
        page = visit(name, scheme)
        page.add_style_tag(content="* { transition: none !important }")  # colours change gradually
        page.wait_for_timeout(300)
        if found := page.evaluate(FAINT_TEXT, LEAST_CONTRAST):
            faint[name] = found[:5]
        page.context.close()
    assert faint == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, pages, visit):
    chosen = {name.rpartition("/")[2]: name for name in pages}  # one dataset's chapters stand for the other's
    serious = []
    for name in chosen.values():
        page = visit(name, scheme)
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")  # colours fade in
        violations = axe.Axe().run(page).response["violations"]
        serious += [
            f"{name}: {one['id']}: {one['nodes'][0]['html'][:120]}"
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]
        page.context.close()
    assert serious == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_the_menu_opens_or_folds(width, visit):
    page = visit("index.html", width=width)
    link = page.locator(".bd-sidebar-primary .bd-links a").first

    def in_sight() -> bool:
        box = link.bounding_box()
        return link.is_visible() and box is not None and box["x"] + box["width"] > 0

    before = in_sight()
    page.locator("button.primary-toggle:visible").first.click()
    page.wait_for_timeout(600)
    assert in_sight() != before


def test_the_front_page_tells_what_was_found_on_one_screen(visit):
    page = visit("index.html")
    for part in (".front li", ".front figure img", "table.table-v"):
        box = page.locator(part).last.bounding_box()
        assert box["y"] + box["height"] <= page.viewport_size["height"], part


def test_on_a_phone_the_front_page_shows_every_cell_of_table_v_with_its_column_and_a_picture_that_can_be_read(visit):
    page = visit("index.html", width=390)
    beyond = page.eval_on_selector_all(
        "table.table-v td", "cells => cells.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    )
    assert beyond == 0
    columns = page.eval_on_selector_all("table.table-v th", "heads => heads.map(one => one.textContent)")
    named = page.eval_on_selector_all(
        "table.table-v tr:last-child td",
        "cells => cells.map(one => getComputedStyle(one, '::before').content.replaceAll('\"', ''))",
    )
    assert named == ["none", "none", *columns[2:]]
    scale = page.eval_on_selector(".front figure img", "image => image.width / image.naturalWidth")
    assert scale * LABEL >= 8


def test_on_a_phone_the_caption_of_a_table_stays_in_view_when_the_table_scrolls(pages, visit):
    page = visit(next(name for name in pages if name.endswith("03_micro_exp_stcnn.html")), width=390)
    captions = page.locator(".bd-article table caption").all()
    for caption in captions:
        scrolled = caption.evaluate("one => (one.closest('div').scrollLeft = 9999, one.closest('div').scrollLeft)")
        box = caption.bounding_box()
        assert scrolled > 0
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert captions


def test_every_picture_has_a_caption_and_a_text_of_its_own(pages, visit):
    lacking = []
    for name in pages:
        page = visit(name)
        lacking += page.evaluate(
            """name => [...document.querySelectorAll('.bd-article img')].filter(image => {
              const caption = image.closest('figure')?.querySelector('figcaption')?.innerText.trim();
              return !caption || !image.alt || image.src.endsWith(image.alt.split('/').pop());
            }).map(image => `${name}: ${image.alt.slice(0, 60) || image.src.slice(0, 60)}`)""",
            name,
        )
        page.context.close()
    assert lacking == []


def test_a_chapter_gives_the_command_that_reruns_it_with_a_button_that_copies_it(pages, visit):
    page = visit(next(name for name in pages if name.endswith("01_data.html")))
    command = page.locator("div.highlight", has=page.locator("pre", has_text="papermill notebooks/01_data.ipynb"))
    assert command.locator("button.copybtn").count() == 1


def test_on_paper_there_are_no_menus_and_nothing_is_folded_that_was_found(visit):
    page = visit("index.html", width=800)
    page.emulate_media(media="print")
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert page.locator("details.claims table").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_search_finds_the_chapter_on_saliency(visit):
    page = visit("search.html?q=saliency")
    page.locator("#search-results li a").first.wait_for(timeout=10_000)
    assert any("saliency" in (one.get_attribute("href") or "") for one in page.locator("#search-results li a").all())


def test_every_page_has_a_description_of_its_own_and_an_icon(book, pages):
    texts = [(book / name).read_text(encoding="utf-8") for name in pages]
    described = [re.findall(r'<meta name="description" content="(.+?)"', text) for text in texts]
    assert [len(one) for one in described] == [1] * len(pages)
    assert all('rel="icon"' in text or 'rel="shortcut icon"' in text for text in texts)


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attributes) -> None:
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag in ("a", "img", "script", "link", "source", "video"):
            self.links += [given[name] for name in ("href", "src") if given.get(name)]


def test_every_link_within_the_book_leads_somewhere_and_no_page_is_over_a_megabyte(book):
    parsed, faults = {}, []
    for path in sorted(book.rglob("*.html")):
        name = path.relative_to(book).as_posix()
        if name.startswith("_static"):
            continue
        if path.stat().st_size > LARGEST_PAGE:
            faults.append(f"{name} has {path.stat().st_size:,} bytes")
        parsed[path] = Links()
        parsed[path].feed(path.read_text(encoding="utf-8"))
    for path, found in parsed.items():
        for link in found.links:
            address = urlsplit(link)
            if address.scheme or address.netloc or link.startswith(("#/", "data:")):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if not target.exists():
                faults.append(f"{path.name} links to {link}, which is not there")
            elif address.fragment and target in parsed and unquote(address.fragment) not in parsed[target].anchors:
                faults.append(f"{path.name} links to {link}, which has no such anchor")
    assert faults == []
