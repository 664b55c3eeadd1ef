"""The list of packages in pyproject.toml: a checkout that is installed in place works without it, a wheel does not."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_package_of_the_rooms_is_installed() -> None:
    folders: dict[str, str] = SETTINGS["package-dir"]
    renamed = {folder: name for name, folder in folders.items()}
    found = set()
    for room in {folder.split("/")[0] for folder in folders.values()}:
        for init in (ROOT / room).rglob("__init__.py"):
            folder = init.parent.relative_to(ROOT).as_posix()
            if "/build/" in folder:  # where pip leaves what it built of the client alone
                continue
            found.add(renamed.get(folder, "idproof." + folder.replace("/", ".")))
    assert sorted(SETTINGS["packages"]) == sorted(found)
