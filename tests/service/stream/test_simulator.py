"""The simulated device stays outside the service."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
USERS = {"service/cli/kiosk.py", "benchmarks/deletion/device.py"}  # `idproof kiosk replay`, and a benchmark


def test_the_service_does_not_import_the_simulated_device() -> None:
    rooms = ("models", "pipeline", "datasets", "benchmarks", "service")
    files = {path.relative_to(ROOT).as_posix(): path for room in rooms for path in (ROOT / room).rglob("*.py")}
    users = {name for name, path in files.items() if "stream.simulator" in path.read_text(encoding="utf-8")}
    assert {name for name in users if not name.startswith("service/stream/simulator/")} == USERS
