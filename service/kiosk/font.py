"""Makes `static/simplified.woff2`: the typeface for simplified Chinese on machines that have none.

`python -m idproof.service.kiosk.font` needs the packages fonttools, brotli and pylopdf-fonts-zh-cn, which the service
does not. The file has the 3,755 most frequent characters (GB 2312, level 1), punctuation, and what the pages' texts use
besides; a test compares. Noto Sans SC, Copyright 2014-2021 Adobe, and the file are under the SIL Open Font License 1.1.
"""

import importlib
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

_PUNCTUATION = "，。？！：；、“”‘’（）《》—…·　「」％"
_NAMES = "繁體简体"  # of the languages, on a page in another one
_TEXTS = ("service/capture/static/texts/zh-Hans.js", "service/kiosk/static/texts/zh-Hans.json")
_ROOT = Path(__file__).parents[2]


def characters() -> set[str]:
    """Returns the characters that the typeface has."""
    texts = [(_ROOT / name).read_text("utf-8") for name in _TEXTS if (_ROOT / name).exists()]
    return {one for one in "".join([*frequent(), _PUNCTUATION, _NAMES, *texts]) if ord(one) > 0x7F}


def frequent() -> Iterator[str]:
    """Yields the characters of GB 2312, level 1."""
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            if row != 0xD7 or cell < 0xFA:  # the last row is not full
                yield bytes((row, cell)).decode("gb2312")


def main() -> None:
    """Writes the file."""
    subset = importlib.import_module("fontTools.subset")
    options = subset.Options()
    options.flavor, options.layout_features, options.hinting = "woff2", [], False
    source = files("pylopdf_fonts_zh_cn") / "NotoSansSC-Regular.otf"
    font = subset.load_font(str(source), options)
    maker = subset.Subsetter(options)
    maker.populate(text="".join(sorted(characters())))
    maker.subset(font)
    target = Path(__file__).parent / "static" / "simplified.woff2"
    subset.save_font(font, str(target), options)
    sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
