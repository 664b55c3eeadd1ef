"""Invented people: names, dates, symbols and numbers that agree with each other as a genuine card's do."""

from datetime import date, timedelta

import numpy as np

from idproof.pipeline.documents.commercial_codes import codes

_SURNAMES = """
陳 CHAN 黃 WONG 李 LEE 張 CHEUNG 梁 LEUNG 林 LAM 吳 NG 劉 LAU 鄭 CHENG 何 HO 楊 YEUNG 曾 TSANG 蔡 CHOI 葉 YIP
鄧 TANG 周 CHOW 許 HUI 馮 FUNG 謝 TSE 朱 CHU 盧 LO 余 YU 潘 POON 蘇 SO 鍾 CHUNG 徐 TSUI 郭 KWOK 馬 MA 羅 LAW
胡 WU 麥 MAK 蕭 SIU 譚 TAM 雷 LUI 莫 MOK 關 KWAN 方 FONG 溫 WAN 布 PO 龐 PONG 霍 FOK 簡 KAN 甘 KAM 黎 LAI
"""
_GIVEN = """
志 Chi 明 Ming 家 Ka 俊 Chun 偉 Wai 文 Man 國 Kwok 強 Keung 建 Kin 華 Wah 詠 Wing 詩 Sze 慧 Wai 敏 Man 嘉 Ka
欣 Yan 佩 Pui 儀 Yee 子 Tsz 傑 Kit 浩 Ho 然 Yin 穎 Wing 思 Sze 雅 Nga 婷 Ting 曉 Hiu 彤 Tung 樂 Lok 怡 Yee
天 Tin 恩 Yan 德 Tak 榮 Wing 淑 Shuk 芬 Fan 玉 Yuk 珍 Chun 錦 Kam 輝 Fai 少 Siu 珊 Shan 美 Mei 玲 Ling 惠 Wai
芳 Fong 秀 Sau 英 Ying 麗 Lai 兒 Yee 卓 Cheuk 軒 Hin 梓 Tsz 朗 Long 啟 Kai 賢 Yin 宏 Wang 兆 Siu 基 Kei 永 Wing
康 Hong 澤 Chak 霖 Lam 鈞 Kwan 曦 Hei 晴 Ching 柔 Yau 琪 Ki 瑤 Yiu 碧 Pik 蓮 Lin 鳳 Fung 梅 Mui 蘭 Lan 竹 Chuk
松 Chung 山 Shan 海 Hoi 波 Bor 龍 Lung 虎 Fu 雲 Wan 風 Fung 雪 Suet 冰 Bing 春 Chun 夏 Ha 秋 Chau 冬 Tung 月 Yuet
"""
_TODAY = date(2026, 6, 30)
_FIRST_ISSUE = date(2018, 11, 26)
_LATIN_ONLY = 0.06  # share of holders without a Chinese name
_SPACE = 36


def _pairs(table: str) -> list[tuple[str, str]]:
    """Characters with their romanisation; those without a commercial code are left to the checks' own tests."""
    words = table.split()
    return [(character, latin) for character, latin in zip(words[::2], words[1::2], strict=True) if codes(character)]


def invent(rng: np.random.Generator) -> dict[str, str]:
    """The printed fields of one invented holder, by field name."""
    sex = str(rng.choice(["男 M", "女 F"]))
    issued = _day(rng, _FIRST_ISSUE, _TODAY)
    born = _day(rng, date(1938, 1, 1), issued.replace(year=issued.year - 19, day=1))
    first = _day(rng, max(date(1960, 1, 1), born + timedelta(days=11 * 366)), issued)
    return {
        **_names(rng),
        "date_of_birth": born.strftime("%d-%m-%Y"),
        "sex": sex,
        "symbols": _symbols(rng),
        "first_registration": first.strftime("(%m-%y)"),
        "issue_date": issued.strftime("%d-%m-%y"),
        "number": _number(rng),
    }


def check_digit(prefix: str, digits: str) -> str:
    """As the generator knows it, so that a mistake in the verification's own cannot hide itself."""
    total = 9 * (_SPACE if len(prefix) == 1 else ord(prefix[0]) - 55) + 8 * (ord(prefix[-1]) - 55)
    total += sum(int(digit) * (7 - i) for i, digit in enumerate(digits))
    digit = (11 - total % 11) % 11
    return "A" if digit == 10 else str(digit)


def _number(rng: np.random.Generator) -> str:
    letters = "".join(rng.choice(list("ABCDEFGHKMPRSYZ"), size=2 if rng.uniform() < 0.2 else 1))
    digits = f"{rng.integers(0, 1_000_000):06d}"
    return f"{letters}{digits}({check_digit(letters, digits)})"


def _names(rng: np.random.Generator) -> dict[str, str]:
    surnames, given = _pairs(_SURNAMES), _pairs(_GIVEN)
    surname = surnames[rng.integers(len(surnames))]
    chosen = [given[i] for i in rng.choice(len(given), size=1 if rng.uniform() < 0.1 else 2, replace=False)]
    english = f"{surname[1]}, {' '.join(latin for _, latin in chosen)}"
    if rng.uniform() < _LATIN_ONLY:
        return {"chinese_name": "", "english_name": english, "chinese_codes": ""}
    chinese = surname[0] + "".join(character for character, _ in chosen)
    printed = [codes(character) for character in chinese]
    return {
        "chinese_name": chinese,
        "english_name": english,
        "chinese_codes": " ".join(known[0] for known in printed),
    }


def _symbols(rng: np.random.Generator) -> str:
    residence = str(rng.choice(list("AAAACRU")))
    birthplace = str(rng.choice(list("ZZZXWO")))
    amended = str(rng.choice(["", "", "", "", "B", "N"]))
    return f"***{residence}{birthplace}{amended}"  # everyone invented here is 18 or over when the card is issued


def _day(rng: np.random.Generator, first: date, last: date) -> date:
    return first + timedelta(days=int(rng.integers(0, (last - first).days + 1)))
