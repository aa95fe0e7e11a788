"""Write the README's picture of the lab, dark and light: a 3 is drawn in Chromium, and a map opened.

Usage: python tools/lab_picture.py RUN
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import draw_three, open_file, start_chromium, wait_until  # noqa: E402

from netcore.core.run import load_run  # noqa: E402
from netcore.web.lab_page import write_lab  # noqa: E402


def main(run: str) -> None:
    with tempfile.TemporaryDirectory() as folder, start_chromium() as browser:
        page_file = Path(folder) / "lab.html"
        write_lab(page_file, [load_run(run)])
        for scheme, name in (("dark", "lab.png"), ("light", "lab-light.png")):
            page = open_file(browser, page_file, viewport={"width": 1280, "height": 860}, color_scheme=scheme)[0]
            wait_until(page, "netcoreLab.model.base")
            draw_three(page)
            wait_until(page, "!netcoreLab.model.isEmpty")
            page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[3], 26)")
            page.evaluate("document.activeElement.blur()")
            page.screenshot(path=ROOT / "assets" / name)


if __name__ == "__main__":
    main(sys.argv[1])
