"""A Sphinx extension: what the theme and its companions leave to be mended so that a page works offline.

Beside that it gives each page a description, and the book a link to the repository where a workflow builds it.
"""

import html
import importlib.util
import os
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

MATHJAX = "tex-chtml.js"  # the smallest of MathJax's bundles that reads TeX
FONTS = "output/chtml/fonts/woff-v2"
CHAPTER_LINK = re.compile(r"\[([^\[\]]*)\]\(((?:chapters/\w+/)?\d\d_\w+)\)")
LONGEST_DESCRIPTION = 200  # characters; search engines show fewer


def setup(app: Sphinx) -> dict:
    app.config.mathjax_path = f"mathjax/{MATHJAX}"
    app.connect("config-inited", set_options)
    app.connect("source-read", name_absent_chapters)
    app.connect("html-page-context", mend_page)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def set_options(app: Sphinx, config) -> None:
    """Give the front page the whole width, and link the repository that a workflow of GitHub builds the book from."""
    config.html_theme_options["secondary_sidebar_items"] = {"**": ["page-toc.html"], "index": []}
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        config.html_theme_options |= {"repository_url": f"{server}/{repository}", "use_repository_button": True}


def name_absent_chapters(app: Sphinx, page: str, source: list[str]) -> None:
    """Give links to chapters that this book lacks the chapter's name in place of a target."""
    folder = page.rpartition("/")[0]

    def there_or_named(link: re.Match) -> str:
        there = f"{folder}/{link[2]}".lstrip("/") in app.env.found_docs
        return link[0] if there else link[1] or f"`{link[2].rpartition('/')[2]}`"

    source[0] = CHAPTER_LINK.sub(there_or_named, source[0])


def mend_page(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Take out thebe, which Jupyter Book always loads and which declares its constants twice, an error on each page.

    The list of references is no list to a screen reader unless its entries are list items, which docutils' are not.
    """
    if "body" in context:
        list_of_none = '<div role="list" class="citation-list">'
        context["body"] = context["body"].replace(list_of_none, '<div class="citation-list">')
    if doctree is not None and (described := _description(doctree)):
        context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{described}" />'
    context["script_files"] = [one for one in context["script_files"] if "thebe" not in f"{one}{_body(one)}".lower()]
    context.setdefault("default_mode", "auto")
    context["css_files"] = [one for one in context["css_files"] if "thebe" not in str(one).lower()]


def _description(doctree: nodes.document) -> str:
    """The first sentences of a page."""
    texts = (" ".join(one.astext().split()) for one in doctree.findall(nodes.paragraph))
    first = next((text for text in texts if len(text) > 40), "")
    return html.escape(first[:LONGEST_DESCRIPTION].rpartition(" ")[0] if len(first) > LONGEST_DESCRIPTION else first)


def _body(script) -> str:
    return str(getattr(script, "attributes", {}).get("body", ""))


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put MathJax beside the pages, so that formulas need no foreign host."""
    if error or app.builder.format != "html":
        return
    spec = importlib.util.find_spec("sphinx-mathjax-offline")  # its name cannot stand in an import statement
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    shutil.copytree(source / FONTS, target / FONTS, dirs_exist_ok=True)
    shutil.copy(source / MATHJAX, target / MATHJAX)
