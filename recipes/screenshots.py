"""Take the pictures of the search page in docs/images/ anew: python -m recipes.screenshots (or make screenshots).

An index of the showcase is built with the small model of the package and served, and a headless Chromium opens each
address; what stands in the pictures stands in the addresses.
"""

import base64
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from tests.conftest import Browser, chromium

from protrek_hm.data.showcase import load_showcase

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 1000
QUESTION = {"q": "Extended-spectrum beta-lactamase that hydrolyses cefotaxime"}
OPEN_FAMILY = """
    document.querySelector('.facets').open = true;
    document.querySelector('.family').click();
"""
PICTURES = {
    "search_page_results.png": ({**QUESTION, "k": 3}, ".hits", OPEN_FAMILY, 1330),
    "search_page_twins.png": ({**QUESTION, "a": "TEM-1", "b": "TEM-3", "offset": 2}, ".duel", "", 930),
    "search_page_family.png": ({**QUESTION, "family": "TEM-3", "offset": 2}, "#family .worth", "", 1300),
}
"""Name of each file: the address, what must be there, what is done then, and the height that is shown."""


def main() -> None:
    """Write the pictures."""
    program = chromium()
    if program is None:
        sys.exit("there is no Chromium on this machine; install it (make browser)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        table, index = Path(folder) / "showcase.parquet", Path(folder) / "index"
        load_showcase().drop("substitutions", "accession", "source").write_parquet(table)
        command = [sys.executable, "-m", "protrek_hm"]
        subprocess.run([*command, "index", "build", table, "-o", index], check=True)
        with subprocess.Popen([*command, "serve", index, "--port", "0"], stderr=subprocess.PIPE, text=True) as server:
            try:
                address = next(word for line in server.stderr for word in line.split() if word.startswith("http://"))
                for name, picture in PICTURES.items():
                    (IMAGES / name).write_bytes(take(Browser(program, Path(folder) / name), address, *picture))
            finally:
                server.terminate()


def take(browser: Browser, address: str, state: dict[str, object], there: str, then: str, height: int) -> bytes:
    """Return what the page shows in a state, as PNG of 256 colours; the browser is closed."""
    try:
        browser.open(f"{address}/#{urlencode(state)}", width=WIDTH, height=height)
        browser.call("Emulation.setScrollbarsHidden", hidden=True)
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        browser.wait_for(f"document.querySelector('{there}') && !document.querySelector('[aria-busy]')")
        browser.evaluate(f"(() => {{{then}; document.activeElement.blur()}})()")
        found = browser.call("Page.captureScreenshot", format="png")["data"]
    finally:
        browser.close()
    written = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(found))).quantize(256).save(written, "png", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
