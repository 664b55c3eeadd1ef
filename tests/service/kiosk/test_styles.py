"""Style rules that the service's pages and the component have both: a page's rules do not reach into a shadow."""

import re
from pathlib import Path

SERVICE = Path(__file__).parents[3] / "service"
COMPONENT = (SERVICE / "capture" / "static" / "styles.js").read_text("utf-8").partition("`")[2].rpartition("`")[0]
BASE = (SERVICE / "kiosk" / "static" / "base.css").read_text("utf-8")
KIOSK = (SERVICE / "kiosk" / "static" / "kiosk.css").read_text("utf-8")


def rules(sheet: str) -> dict[str, str]:
    """Returns the declarations by selector; those of a selector that stands twice follow each other."""
    plain = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    found: dict[str, str] = {}
    for selector, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", plain):
        name = " ".join(selector.split())
        found[name] = " ".join([*found.get(name, "").split(), *declarations.split()])
    return found


def variables(declarations: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+): ((?:[^;(]|\([^)]*\))+);", declarations))


def test_a_selector_of_both_has_the_same_rule() -> None:
    component = rules(COMPONENT)
    pages = rules(BASE + KIOSK)
    both = pages.keys() & component.keys()
    assert {"button", ".go", ".plain", ".danger", ":focus-visible", ".languages button", ".sheet", ".stack"} <= both
    assert {name: pages[name] for name in both} == {name: component[name] for name in both}


def test_the_colours_of_both_are_the_same() -> None:
    page = variables(rules(BASE)[":root"])
    component = variables(rules(COMPONENT)[":host"])
    assert page.keys() == component.keys()
    assert len(page) > 15
    for name in page.keys() - {"--type"}:  # a page of another origin cannot load the service's typefaces
        assert component[name] == f"var(--idproof-{name.removeprefix('--')}, {page[name]})", name
