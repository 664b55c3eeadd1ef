"""Returns the groups that the holder of a registration belongs to, from the labels of its truth and from its card.

The printed holder of a specimen is invented, and the face is a photograph of somebody else. For specimens the printed
groups show whether kinds of cards differ, not whether kinds of people do. Labels of people belong in `truth.labels`.
"""

from collections.abc import Mapping

from idproof.datasets.sets import RegistrationSet

_AGE_BANDS = ((18, "under 18"), (30, "18 to 29"), (45, "30 to 44"), (60, "45 to 59"))
"""Upper ages and names of the bands. Chosen by hand; no outside source."""


def labels_of(entry: RegistrationSet) -> tuple[str, ...]:
    """Returns `attribute: value` per group, such as `printed sex: F`."""
    given = [f"{name}: {value}" for name, value in entry.truth.labels.items()]
    return (*given, *_printed(entry.truth.fields))


def _printed(fields: Mapping[str, str]) -> list[str]:
    found = []
    if sex := fields.get("sex", "")[-1:]:
        found.append(f"printed sex: {sex}")
    if "chinese_name" in fields:
        found.append(f"Chinese name: {'printed' if fields['chinese_name'] else 'none'}")
    age = _age(fields.get("date_of_birth", ""), fields.get("issue_date", ""))
    if age is not None:
        found.append(f"age at issue: {next((name for limit, name in _AGE_BANDS if age < limit), '60 and over')}")
    return found


def _age(born: str, issued: str) -> int | None:
    """Returns the age in whole calendar years; None when the card does not say."""
    try:
        return 2000 + int(issued[-2:]) - int(born[-4:])
    except ValueError:
        return None
