#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""links.py FOLDER: does every link of its HTML lead somewhere?

A page has to be there, and what a link points at within it; pages of others
are named as manpages.debian.org has them.  Nothing is asked for.
"""
import html.parser
import pathlib
import re
import sys

OTHERS = re.compile(r"https://manpages\.debian\.org/[a-z0-9_.-]+\.[1-8]$")
ELSEWHERE = {"https://ui.perfetto.dev"}


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            elif name in ("href", "src"):
                self.links.append(value)


folder = pathlib.Path(sys.argv[1])
pages = {p.name: Page(p) for p in folder.glob("*.html")}
count = bad = 0
for name, page in sorted(pages.items()):
    for link in page.links:
        count += 1
        if OTHERS.match(link) or link in ELSEWHERE:
            continue
        to, _, at = link.partition("#")
        to = to or name
        if to in pages:
            good = not at or at in pages[to].ids
        else:
            good = not at and (folder / to).is_file()
        if not good:
            bad += 1
            print(f"{name}: {link}")
print(f"{count} links, {bad} lead nowhere")
sys.exit(bad > 0)
