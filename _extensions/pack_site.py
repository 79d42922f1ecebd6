"""Pack the built site as a zip for reading offline: ``python _extensions/pack_site.py``.

The same site gives the same zip: the files are sorted and have one time.
"""

import zipfile
from pathlib import Path

from downloads import take_along
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parent.parent
# The first moment that a zip can state.
TIME = (1980, 1, 1, 0, 0, 0)


def without_itself(text):
    """Return the front page without its link to the zip, which is not inside."""
    page = LexborHTMLParser(text)
    for sentence in page.css(".take-along-zip"):
        only = sentence.parent if len(sentence.parent.css("a")) == 1 else sentence
        only.decompose()
    return page.html


def add(archive, name, data, method=zipfile.ZIP_DEFLATED):
    """Put a file into a zip, with nothing of the machine or of the moment."""
    info = zipfile.ZipInfo(name, TIME)
    info.external_attr = 0o644 << 16
    info.create_system = 3  # Unix, wherever it is made
    archive.writestr(info, data, method, 9)


def pack(site, target):
    """Write the zip: one folder, named like the zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(site.rglob("*")):
            name = path.relative_to(site).as_posix()
            if path.is_dir() or name == target.name:
                continue
            data = path.read_bytes()
            if name == "index.html":
                data = without_itself(data.decode()).encode()
            add(archive, f"{target.stem}/{name}", data)


def main():
    """Pack the site and say where the zip is."""
    target = take_along(ROOT)["zip"]
    pack(ROOT / "_build" / "html", target)
    print(f"{target.stat().st_size / 1e6:.1f} MB: file://{target}")


if __name__ == "__main__":
    main()
