"""Characters of invented given names, with a romanisation in the style of Hong Kong's cards.

`names.tsv` is built from the Unicode Character Database 15.0 (Unihan: kCantonese, kHKGlyph, kFrequency and others) by
`idproof.datasets.names_table`; © Unicode, Inc., Unicode License v3. Romanisations written by hand go before its own.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import numpy as np

from idproof.pipeline.documents.commercial_codes import codes

_TABLE = Path(__file__).parent / "names.tsv"
_FEWEST, _MOST = 2, 4  # characters of a given name when names cover the table. Chosen by hand.
_BY_HAND = """
志 Chi 明 Ming 家 Ka 俊 Chun 偉 Wai 文 Man 國 Kwok 強 Keung 建 Kin 華 Wah 詠 Wing 詩 Sze 慧 Wai 敏 Man 嘉 Ka
欣 Yan 佩 Pui 儀 Yee 子 Tsz 傑 Kit 浩 Ho 然 Yin 穎 Wing 思 Sze 雅 Nga 婷 Ting 曉 Hiu 彤 Tung 樂 Lok 怡 Yee
天 Tin 恩 Yan 德 Tak 榮 Wing 淑 Shuk 芬 Fan 玉 Yuk 珍 Chun 錦 Kam 輝 Fai 少 Siu 珊 Shan 美 Mei 玲 Ling 惠 Wai
芳 Fong 秀 Sau 英 Ying 麗 Lai 兒 Yee 卓 Cheuk 軒 Hin 梓 Tsz 朗 Long 啟 Kai 賢 Yin 宏 Wang 兆 Siu 基 Kei 永 Wing
康 Hong 澤 Chak 霖 Lam 鈞 Kwan 曦 Hei 晴 Ching 柔 Yau 琪 Ki 瑤 Yiu 碧 Pik 蓮 Lin 鳳 Fung 梅 Mui 蘭 Lan 竹 Chuk
松 Chung 山 Shan 海 Hoi 波 Bor 龍 Lung 虎 Fu 雲 Wan 風 Fung 雪 Suet 冰 Bing 春 Chun 夏 Ha 秋 Chau 冬 Tung 月 Yuet
"""


def pairs(table: str) -> dict[str, str]:
    """Returns character to romanisation, without characters that have no commercial code."""
    words = table.split()
    return {character: latin for character, latin in zip(words[::2], words[1::2], strict=True) if codes(character)}


@lru_cache(maxsize=1)
def given() -> Mapping[str, str]:
    """Returns character to romanisation, in code point order."""
    rows = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines())
    known = {character: latin for character, latin, _ in rows if codes(character)} | pairs(_BY_HAND)
    return MappingProxyType(dict(sorted(known.items())))


def covering(count: int, seed: int) -> list[str]:
    """Returns given names that together have every character of the table, or as many as fit.

    Each has 2 to 4 characters, none twice; the fewer people, the longer the names. With more people than the table
    needs, its characters are used again in another order.

    Args:
        count: number of people.
        seed: the same count and seed give the same names.

    Example:
        >>> [len(name) for name in covering(3, 1)]
        [4, 4, 4]
    """
    if count < 1:
        return []
    deck = _deck(np.random.default_rng(np.random.SeedSequence([seed, 2**31 + 1])))
    each = min(float(_MOST), max(float(_FEWEST), len(given()) / count))
    # Rounded up, so that the last person's end never lies before the last character.
    ends = [int(np.ceil(round((person + 1) * each, 6))) for person in range(count)]
    return [_hand(deck, end - start) for start, end in zip([0, *ends], ends, strict=False)]


def _deck(rng: np.random.Generator) -> Iterator[str]:
    characters = list(given())
    return chain.from_iterable((characters[i] for i in rng.permutation(len(characters))) for _ in iter(int, 1))


def _hand(deck: Iterator[str], size: int) -> str:
    name = ""
    while len(name) < min(size, _MOST):
        name += next(character for character in deck if character not in name)
    return name
