"""Spellings of Cantonese and Mandarin syllables in English names.

Hong Kong's spelling of Cantonese follows no single system, so that one reading has several spellings. Both tables are
compiled by hand from the usual ones; no outside source.
"""

import re
from functools import lru_cache

from idproof.pipeline.documents import jyutping

# Spellings of the initial sound, by the initial in Jyutping. "" is none.
_INITIALS = {
    "b": "B P",
    "p": "P",
    "m": "M",
    "f": "F",
    "d": "D T",
    "t": "T",
    "n": "N L",
    "l": "L N R",
    "g": "G K",
    "k": "K H",
    "ng": "NG -",
    "h": "H K",
    "gw": "GW KW G K QU",
    "kw": "KW QU K F W",
    "w": "W V H -",
    "z": "C CH J TS TZ Z DZ",
    "c": "C CH TS TZ S SH Q X",
    "s": "S SH X",
    "j": "Y J U R -",
    "": "- NG H M W Y",
}
# Spellings of the rest of a syllable, by that in Jyutping.
_FINALS = {
    "aa": "A AH AR AA",
    "aai": "AI AAI AY",
    "aau": "AU AAU AO OW",
    "aam": "AM AAM",
    "aan": "AN AAN",
    "aang": "ANG AANG",
    "aap": "AP AAP",
    "aat": "AT AAT",
    "aak": "AK AAK ACK ARK",
    "ai": "AI EI AY I",
    "au": "AU OW OU",
    "am": "AM UM",
    "an": "AN UN",
    "ang": "ANG UNG",
    "ap": "AP UP",
    "at": "AT UT",
    "ak": "AK UK ACK",
    "e": "E EH EA",
    "ei": "EI EE I AY EY",
    "eu": "EU",
    "eng": "ENG IANG",
    "ek": "EK IK",
    "i": "I EE Z ZE ZU IE",
    "iu": "IU IEW UE",
    "im": "IM",
    "in": "IN",
    "ing": "ING",
    "ip": "IP",
    "it": "IT",
    "ik": "IK ICK",
    "o": "O OR AW OH",
    "oi": "OI OY",
    "ou": "O OU OE OW",
    "on": "ON",
    "ong": "ONG",
    "ot": "OT",
    "ok": "OK OCK",
    "u": "U OO",
    "ui": "UI OOI",
    "un": "UN OON",
    "ung": "UNG",
    "ut": "UT",
    "uk": "UK OOK",
    "oe": "OE EUR",
    "oeng": "EUNG EONG",
    "oek": "EUK EOK",
    "eoi": "UI OY",
    "eon": "UN EUN",
    "eot": "UT",
    "yu": "U UE YU EE",
    "yun": "UEN UN YUN",
    "yut": "UET UT",
    "m": "M NG",
    "ng": "NG",
}


def may_begin(character: str, syllable: str) -> bool:
    """Returns whether a syllable may be a reading of a character; a character without a listed reading may be any.

    In Cantonese by its first letters alone, because its rest is spelled in many ways; in Mandarin in pinyin.

    Example:
        >>> may_begin("區", "AU"), may_begin("吳", "WU"), may_begin("陳", "WONG")
        (True, True, False)
    """
    readings = jyutping.readings(character)
    begins = any(_beginning(jyutping.split(reading)[0]).match(syllable.upper()) for reading in readings)
    return not readings or begins or syllable.lower() in jyutping.pinyin(character)


def is_spelling(character: str, syllable: str) -> bool:
    """Returns whether a syllable is a usual spelling of one of the character's readings in Cantonese.

    Example:
        >>> is_spelling("明", "Ming"), is_spelling("明", "Meng"), is_spelling("秀", "Sau"), is_spelling("秀", "Siew")
        (True, False, True, False)
    """
    return any(_whole(*jyutping.split(r)).fullmatch(syllable.upper()) for r in jyutping.readings(character))


def is_cantonese(syllable: str) -> bool:
    """Returns whether a word has the usual spelling of some Cantonese syllable.

    Example:
        >>> is_cantonese("WONG"), is_cantonese("SMITH"), is_cantonese("GARCIA")
        (True, False, False)
    """
    return _any_syllable().fullmatch(syllable.upper()) is not None


@lru_cache(maxsize=32)
def _beginning(initial: str) -> re.Pattern[str]:
    spellings = _INITIALS[initial].replace("-", "A E I O U").split()
    return re.compile("|".join(spellings))


@lru_cache(maxsize=1024)
def _whole(initial: str, final: str) -> re.Pattern[str]:
    initials = "|".join(_INITIALS[initial].replace("-", "_").split()).replace("_", "")
    finals = "|".join(_FINALS[final].split()) if final in _FINALS else "(?!)"
    return re.compile(f"({initials})({finals})")


@lru_cache(maxsize=1)
def _any_syllable() -> re.Pattern[str]:
    initials = "|".join({spelling for spellings in _INITIALS.values() for spelling in spellings.split()} - {"-"})
    finals = "|".join({spelling for spellings in _FINALS.values() for spelling in spellings.split()})
    return re.compile(f"({initials})?({finals})")
