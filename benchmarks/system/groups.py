"""Groups that the holder of a registration belongs to: what its truth labels, and what is printed on the card.

Of specimens the printed holder is invented and the face is a photograph of somebody else: the printed groups then say
whether kinds of cards fare alike, not whether kinds of people do. Whoever has labels of people gives them as
`truth.labels`.
"""

from collections.abc import Mapping

from idproof.datasets.sets import RegistrationSet

_AGES = ((18, "under 18"), (30, "18 to 29"), (45, "30 to 44"), (60, "45 to 59"))


def labels_of(entry: RegistrationSet) -> tuple[str, ...]:
    """`attribute: value`, such as `printed sex: F`."""
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
        found.append(f"age at issue: {next((name for limit, name in _AGES if age < limit), '60 and over')}")
    return found


def _age(born: str, issued: str) -> int | None:
    """In whole calendar years; None when the card does not tell."""
    try:
        return 2000 + int(issued[-2:]) - int(born[-4:])
    except ValueError:
        return None
