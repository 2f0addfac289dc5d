"""What a running `manage.py up` leaves in its data directory for other commands to find."""

import json
import os
import secrets
from pathlib import Path

RUNNING_FILE = "running.json"
SECRET_FILE = "secret_key"


def data_dir() -> Path:
    """The data directory as the settings see it, before settings can be imported."""
    default = Path(__file__).resolve().parent.parent.parent / "var"
    return Path(os.environ.get("OCENTER_DATA_DIR") or default).expanduser().absolute()


def running_urls() -> dict[str, str]:
    """Environment of the embedded servers that run now in the data directory; empty when none was left."""
    try:
        return json.loads((data_dir() / RUNNING_FILE).read_text(encoding="utf-8"))["environment"]
    except (OSError, ValueError, KeyError):
        return {}


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
