"""What a running `manage.py up` leaves in its data directory for other commands to find."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

RUNNING_FILE = "running.json"
SECRET_FILE = "secret_key"


def data_dir() -> Path:
    """The data directory as the settings see it, before settings can be imported."""
    default = Path(__file__).resolve().parent.parent.parent / "var"
    return Path(os.environ.get("OCENTER_DATA_DIR") or default).expanduser().absolute()


def running_urls() -> dict[str, str]:
    """Environment of the servers a live `manage.py up` runs in the data directory; empty when there is none."""
    running = read_json(data_dir() / RUNNING_FILE)
    supervisor = running.get("supervisor") or {}
    if process_started_at(supervisor.get("pid", 0)) != supervisor.get("started_at", -1):
        return {}
    return running.get("environment") or {}


def process_started_at(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot: with the pid it names one process for good.

    None when it is gone, or a zombie.
    """
    try:
        fields = Path(f"/proc/{int(pid)}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: dict[str, Any], *, mode: int = 0o600) -> None:
    """Write a JSON object so that a reader sees the old or the new one, never half."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    partial.replace(path)


def development_secret_key(directory: Path) -> str:
    """A secret key made once for each data directory and kept there, readable by its owner alone."""
    path = directory / SECRET_FILE
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        directory.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(50)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was first
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key
