"""The page that shows renders: everything is there, linked or inside, and nothing breaks out of its text."""

import base64
import re
from html.parser import HTMLParser

import pytest

from netcore.publish.html_page import GalleryItem, Table, write_page


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def gallery_items(tmp_path):
    out = []
    for name in ("mlp/clip.gif", "cnn/maps.mp4"):
        file = tmp_path / "renders" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(name.encode())
        out.append(
            GalleryItem(file, f"Title of {name}", "What <b>it</b> shows.", 'An "image"', "netcore render x", 854, 480)
        )
    return out


def test_html_page_relative_links(gallery_items, tmp_path):
    page = tmp_path / "renders" / "index.html"
    write_page(page, "Two & more", "Intro.", gallery_items)
    html = Reader(page.read_text())
    (img,), (video,) = html.all("img"), html.all("video")
    assert img["src"] == "mlp/clip.gif"
    assert video["src"] == "cnn/maps.mp4"
    assert (img["width"], img["height"], img["alt"]) == ("854", "480", 'An "image"')
    assert "What <b>it</b> shows." in html.text  # escaped, not a tag
    assert not html.all("b")
    assert {a["href"][1:] for a in html.all("a")} == {f["id"] for f in html.all("figure")}


def test_html_page_embeds_bytes(gallery_items, tmp_path):
    page = tmp_path / "one.html"
    write_page(page, "One file", "Intro.", gallery_items, embed=True)
    (img,) = Reader(page.read_text()).all("img")
    head, data = img["src"].split(",")
    assert head == "data:image/gif;base64"
    assert base64.b64decode(data) == b"mlp/clip.gif"


def test_html_page_table_cells(tmp_path):
    page = tmp_path / "t.html"
    write_page(page, "T", "I", [], [Table("Networks", ("name", "accuracy"), [("mlp", "87.9 %"), ("cnn", "98.5 %")])])
    rows = re.findall(r"<tr>(.*?)</tr>", page.read_text())
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    assert cells == [["name", "accuracy"], ["mlp", "87.9 %"], ["cnn", "98.5 %"]]
