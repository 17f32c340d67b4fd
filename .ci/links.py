# SPDX-License-Identifier: BSD-3-Clause
"""Check that links within built pages lead somewhere: `links.py FOLDER`.

Both files and anchors are checked. Addresses outside the folder are not visited, but no page may
load a script, a style, a picture or a frame from there: pages are read offline.
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page points to, and what may be pointed to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)
            if value and name in ("href", "src"):
                self.links.append(value)
                if name == "src" or (tag == "link" and ("rel", "stylesheet") in attrs):
                    self.loads.append(value)


@cache
def read(file: Path) -> Page:
    page = Page()
    page.feed(file.read_text("utf-8"))
    return page


root = Path(sys.argv[1]).resolve()
broken, count = [], 0
pages = sorted(p for p in root.rglob("*.html") if "_static" not in p.parts)
for file in pages:
    elsewhere = [link for link in read(file).loads if urlsplit(link).netloc]
    broken += [f"{file.relative_to(root)}: {link} is loaded from the network" for link in elsewhere]
    for link in read(file).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or link in ("#", ""):
            continue
        count += 1
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        if target.is_dir():
            target /= "index.html"
        anchor = unquote(parts.fragment)
        if not target.is_file():
            broken.append(f"{file.relative_to(root)}: {link} is no file")
        elif anchor and target.suffix == ".html" and anchor not in read(target).anchors:
            broken.append(f"{file.relative_to(root)}: {link} has no such anchor")
if not pages or broken:
    sys.exit("\n".join(broken) or f"no pages in {root}")
print(f"   {len(pages)} pages, {count} links within them")
