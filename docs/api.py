"""Write docs/api/, a page for each room with its public names, from what the packages list: python docs/api.py."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = (
    "data",
    "homology",
    "mine",
    "model",
    "train",
    "evaluate",
    "merge",
    "index",
    "search",
    "serve",
    "tune",
    "workers",
)
PAGES = Path(__file__).with_suffix("")
HEAD = """# In Python

The names that most programs need, from `import protrek_hm`; each room has more. All else may change without notice.

"""


def main() -> None:
    """Write the pages beside this script."""
    for name, text in pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file; `index_.md` is that of the room `index`."""
    top = _homes(ROOT / "src" / "protrek_hm" / "__init__.py")
    found = {"index.md": HEAD + "".join(f"- [`{name.rpartition('.')[2]}`][{name}]\n" for name in sorted(top))}
    packages = {room: ROOT / "src" / "protrek_hm" / room / "__init__.py" for room in ROOMS}
    listed = {room: _homes(package) for room, package in packages.items()}
    for room, package in packages.items():
        own = f"protrek_hm.{room}."
        names = [name for name in listed[room] if name.startswith(own) or not _elsewhere(name, listed, room)]
        names += [name for name in top if name.startswith(own) and name not in names]
        says = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or ""
        shown = "".join(f"\n::: {name}\n" for name in names)
        found[f"{room}_.md" if room == "index" else f"{room}.md"] = f"# {room}\n\n{says}\n{shown}"
    return found


def _elsewhere(name: str, listed: dict[str, list[str]], room: str) -> bool:
    """Tell whether a name that is defined outside of a room has its entry on another page."""
    homes = [each for each, names in listed.items() if name in names]
    return name.split(".")[1] in homes or homes[0] != room


def _homes(package: Path) -> list[str]:
    """List what a package imports for type checkers, each where it is defined."""
    nodes = ast.walk(ast.parse(package.read_text(encoding="utf-8")))
    imports = [each for each in nodes if isinstance(each, ast.ImportFrom)]
    return [f"{node.module}.{name.name}" for node in imports for name in node.names if name.asname]


if __name__ == "__main__":
    main()
