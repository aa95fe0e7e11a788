"""Write pictures of the lab, the lesson and the dashboard to look at: desktop and phone, dark and light, whole pages.

Usage: python tools/page_pictures.py FOLDER RUN...
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import draw_three, start_chromium, wait_until  # noqa: E402
from lab_servers import serve_lab  # noqa: E402

from netcore.core.run import Run, load_run  # noqa: E402
from netcore.web.lab_page import write_lab  # noqa: E402
from netcore.web.lesson_page import write_lesson  # noqa: E402

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("dark", "light")


def main(folder: Path, runs: list[Run]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, start_chromium() as browser:
        pages = {}
        groups = {run.name: [run] for run in runs} | ({"all": runs} if len(runs) > 1 else {})
        for name, group in groups.items():
            pages[f"lab-{name}"] = (Path(scratch) / f"lab-{name}.html").as_uri()
            write_lab(Path(scratch) / f"lab-{name}.html", group)
        for run in runs:
            pages[f"lesson-{run.name}"] = (Path(scratch) / f"lesson-{run.name}.html").as_uri()
            write_lesson(Path(scratch) / f"lesson-{run.name}.html", run)
        with serve_lab(runs, Path(scratch)) as (address, _):
            pages |= {"server-lab": f"{address}/", "dashboard": f"{address}/dashboard"}
            for name, where in pages.items():
                for size, (width, height) in SIZES.items():
                    for scheme in SCHEMES:
                        viewport = {"width": width, "height": height}
                        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
                        take_picture(context.new_page(), name, where, folder / f"{name}-{size}-{scheme}.png")
                        context.close()


def take_picture(page: Any, name: str, where: str, file: Path) -> None:
    """Open a page, draw on it if it is a lab, and choose a unit."""
    page.goto(where)
    if "lab" in name:
        page.wait_for_selector("html[data-ready]")
        wait_until(page, "netcoreLab.model.base")
        draw_three(page)
        wait_until(page, "!netcoreLab.model.isEmpty")
        page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[1], 3)")
    page.wait_for_timeout(1500)  # films and frames arrive
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [load_run(name) for name in sys.argv[2:]])
