"""Routes `/v1/kiosks` for the operators of streaming devices: states, counts, durations, and calls for staff.

No picture, and nothing about a person: the smallest unit of time is a day.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Query, Response

from idproof.service.auth import Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http import openapi
from idproof.service.storage.kiosks import Kiosk
from idproof.service.stream.runtime import StreamRuntime

_COUNTS = ("started", "finished", "first_try", "retries", "cancelled", "lapsed", "accept", "refer", "reject")
_CSV = ("day", "device", "name", *_COUNTS, "median_s", "p90_s")
_MOST_DAYS = 366
_Since = Annotated[date | None, Query(description="First day (UTC); without it, everything since each enrolment.")]
_Until = Annotated[date | None, Query(description="Last day (UTC); today by default.")]


class _CsvResponse(Response):
    """A table as RFC 4180 describes it, in UTF-8."""

    media_type = "text/csv"


def install(app: FastAPI, runtime: StreamRuntime) -> None:
    """Adds the routes to the application."""
    needed = [Depends(runtime.gate.needs(Scope.ADMIN))]

    @app.get("/v1/kiosks", dependencies=needed, responses=openapi.KIOSK_RESPONSES)
    async def kiosks(since: _Since = None, until: _Until = None) -> dict[str, Any]:
        """Devices that stream: what they do now, and how often what happened; no pictures, nothing about a person."""
        entries = await _entries(runtime)
        if since is None and until is None:
            counts: Mapping[str, Mapping[str, int]] = await anyio.to_thread.run_sync(runtime.kiosks.counts)
        else:
            first, last = _period(since, until)
            counts = _summed(await anyio.to_thread.run_sync(runtime.kiosks.counts_by_day, first, last))
        used, of = runtime.intake.slots.used, runtime.intake.slots.total
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "places": {"used": used, "of": of},
            "waiting": max(0, used - runtime.intake.settings.concurrency),
            "devices": [_described(entry, counts.get(entry.id, {})) for entry in entries],
        }

    @app.get(
        "/v1/kiosks/days.csv", dependencies=needed, responses=openapi.KIOSK_DAYS_RESPONSES, response_class=_CsvResponse
    )
    async def days(since: _Since = None, until: _Until = None) -> Response:
        """The counts by day and device as a table; no pictures, nothing about a person."""
        first, last = _period(since, until)
        counts = await anyio.to_thread.run_sync(runtime.kiosks.counts_by_day, first, last)
        names = {entry.id: entry.name for entry in await _entries(runtime)}
        headers = {"Content-Disposition": f'attachment; filename="kiosks-{first}-{last}.csv"'}
        return _CsvResponse(_table(counts, names), headers=headers)

    @app.post(
        "/v1/kiosks/{device}/call-acknowledgement",
        status_code=204,
        dependencies=needed,
        responses=openapi.KIOSK_CALL_RESPONSES,
    )
    async def acknowledge(device: str) -> Response:
        """An operator has seen a device's call for staff; its screen says that somebody comes."""
        if not await anyio.to_thread.run_sync(runtime.kiosks.acknowledge_call, device):
            raise ServiceProblem("not_found", "No such device calls for staff.")
        return Response(status_code=204)


async def _entries(runtime: StreamRuntime) -> list[Kiosk]:
    entries = await anyio.to_thread.run_sync(runtime.kiosks.entries)
    return [entry for entry in entries if entry.revoked_at is None]


def _period(since: date | None, until: date | None) -> tuple[date, date]:
    last = until or datetime.now(UTC).date()
    first = since or last - timedelta(days=_MOST_DAYS - 1)
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise ServiceProblem("request_invalid", f"`since` is before `until`, and they span at most {_MOST_DAYS} days.")
    return first, last


def _summed(counts: Mapping[tuple[str, str], Mapping[str, int]]) -> dict[str, Counter[str]]:
    """Returns the counts of several days by device."""
    summed: dict[str, Counter[str]] = {}
    for (kiosk, _), each in counts.items():
        summed.setdefault(kiosk, Counter()).update(each)
    return summed


def _described(entry: Kiosk, counts: Mapping[str, int]) -> dict[str, Any]:
    hints: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        if name.startswith("hint:"):
            _, hint, measure = name.split(":")
            hints.setdefault(hint, {})[measure] = count
    return {
        "device": entry.id,
        "name": entry.name,
        "state": entry.state,
        "staff_called": entry.staff_at,
        "staff_acknowledged": entry.staff_seen_at if entry.staff_acknowledged else None,
        "last_seen": entry.seen_at,
        "enrolled_at": entry.created_at,
        "software": entry.software,
        "camera": None if entry.camera is None else json.loads(entry.camera),
        "reported_at": entry.reported_at,
        **{name: counts.get(name, 0) for name in _COUNTS},
        "median_s": duration(counts, 0.5),
        "p90_s": duration(counts, 0.9),
        "hints": hints,
    }


def duration(counts: Mapping[str, int], share: float) -> int | None:
    """Returns the seconds within which this share of the finished sessions ended, as a step's end; None without any.

    Example:
        >>> duration({"lasted:60": 3, "lasted:300": 1, "finished": 4}, 0.5)
        60
    """
    steps = sorted((int(name.split(":")[1]), count) for name, count in counts.items() if name.startswith("lasted:"))
    needed = share * sum(count for _, count in steps)
    for end, count in steps:
        needed -= count
        if needed <= 0:
            return end
    return None


def _table(counts: Mapping[tuple[str, str], Mapping[str, int]], names: Mapping[str, str]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    rows.writerow(_CSV)
    for (kiosk, day), each in sorted(counts.items(), key=lambda entry: (entry[0][1], entry[0][0])):
        if kiosk in names:
            rows.writerow(
                _safe([day, kiosk, names[kiosk], *(each.get(name, 0) for name in _COUNTS), *_durations(each)])
            )
    return text.getvalue()


def _durations(counts: Mapping[str, int]) -> tuple[int | str, ...]:
    return tuple("" if (found := duration(counts, share)) is None else found for share in (0.5, 0.9))


def _safe(cells: Iterable[object]) -> list[str]:
    """Returns cells that no program for tables takes for a formula: an operator chose the devices' names."""
    return [f"'{text}" if (text := str(cell))[:1] in ("=", "+", "-", "@", "\t", "\r") else text for cell in cells]
