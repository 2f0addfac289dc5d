"""What the deployment files name must exist: commands, variables, ports, files; and the locks must be neutral."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from celery.bin.celery import celery as celery_command
from django.core.management import get_commands, load_command_class
from uvicorn.main import main as uvicorn_command

from ocenter.staticfiles import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CADDYFILE = (ROOT / ".docker" / "Caddyfile").read_text(encoding="utf-8")
OURS = [name for name, service in COMPOSE["services"].items() if "build" in service]


def image_command():
    return json.loads(re.search(r"^CMD (\[\"uvicorn.*\])$", DOCKERFILE, re.MULTILINE).group(1))


def commands():
    for name in OURS:
        command = COMPOSE["services"][name].get("command") or image_command()
        text = command[2] if command[:2] == ["sh", "-c"] else None
        for part in [part.split() for part in text.split("&&")] if text else [command]:
            yield name, part


def documented_variables():
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(OCENTER_[A-Z_]+)` \|", table, re.MULTILINE))


@pytest.mark.parametrize(("service", "argv"), list(commands()))
def test_every_command_exists_with_its_options(service, argv):
    if argv[0] == "uvicorn":
        known = {option for parameter in uvicorn_command.params for option in parameter.opts + parameter.secondary_opts}
    elif argv[0] == "celery":
        sub = celery_command.commands[argv[3]]
        known = {option for parameter in [*celery_command.params, *sub.params] for option in parameter.opts}
    else:
        assert argv[:2] == ["python", "manage.py"], argv
        assert argv[2] in get_commands(), f"{service}: no command {argv[2]}"
        parser = load_command_class(get_commands()[argv[2]], argv[2]).create_parser("manage.py", argv[2])
        known = set(parser._option_string_actions)
    for word in argv:
        if word.startswith("-"):
            assert word in known, f"{service}: {argv[0]} has no option {word}"


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting(service):
    given = {name for name in COMPOSE["services"][service]["environment"] if name.startswith("OCENTER_")}
    assert given <= documented_variables()
    assert COMPOSE["services"][service]["environment"]["DJANGO_SETTINGS_MODULE"] == "ocenter.settings.production"


def test_every_variable_taken_from_the_env_file_is_in_its_example():
    needed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert needed == example


def test_every_variable_of_the_image_is_a_setting():
    assert set(re.findall(r"\b(OCENTER_[A-Z_]+)=", DOCKERFILE)) <= documented_variables()


def test_ports_agree():
    command = image_command()
    port = command[command.index("--port") + 1]
    assert COMPOSE["services"]["web"]["expose"] == [port]
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"127.0.0.1:{port}/healthz" in DOCKERFILE
    assert re.search(rf"dynamic a {{\s+name web\s+port {port}\s", CADDYFILE)
    assert "127.0.0.1" in COMPOSE["services"]["web"]["environment"]["OCENTER_ALLOWED_HOSTS"]
    video = COMPOSE["services"]["video"]["expose"][0]
    assert COMPOSE["services"]["web"]["environment"]["OCENTER_VIDEO_ADDRESS"] == f"http://video:{video}"
    assert f"reverse_proxy video:{video}" in CADDYFILE


def test_every_part_of_the_production_shape_is_there():
    shape = {"postgres", "redis", "migrate", "web", "worker", "sweeper", "collector", "video", "beat", "proxy"}
    assert set(COMPOSE["services"]) == shape
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= shape


def test_every_file_that_is_mounted_or_copied_exists():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())


def test_compose_accepts_the_file(tmp_path):
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("no docker compose client on this machine")
    filled = re.sub(r"=$", "=x", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "env").write_text(filled)
    command = ["docker", "compose", "--env-file", tmp_path / "env", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_npm_lock_names_no_registry_and_pins_every_package():
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    assert '"resolved"' not in text
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_the_python_lock_names_no_place_and_covers_every_dependency():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line) for line in lines), lines
    locked = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", line).group()).lower() for line in wanted}
    assert names - locked == set()


def manage(*arguments, tmp_path, **environment):
    production = {
        "DJANGO_SETTINGS_MODULE": "ocenter.settings.production",
        "OCENTER_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
        "OCENTER_ALLOWED_HOSTS": "ocenter.example.go.kr",
        "OCENTER_STATIC_ROOT": str(tmp_path / "static"),
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | production | environment, capture_output=True, text=True, timeout=60
    )


def test_production_settings_pass_djangos_own_deployment_check(tmp_path):
    done = manage("check", "--deploy", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"\((?:security|ocenter)\.\w+\).*", done.stderr) == []


def test_production_settings_refuse_a_short_key(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "ERROR", tmp_path=tmp_path, OCENTER_SECRET_KEY="short")
    assert done.returncode != 0
    assert "ocenter.E001" in done.stderr


def test_static_files_survive_the_manifest(tmp_path):
    done = manage("collectstatic", "--noinput", "--verbosity", "0", tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "static" / "staticfiles.json").read_text())["paths"]
    assert set(f"vendor/{name}" for name in PUBLISHED) <= set(manifest)


def test_the_import_contract_forbids_all_of_the_project_but_accounts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][1]
    modules = {path.stem for path in (ROOT / "ocenter").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    expected = {f"ocenter.{name}" for name in modules - {"__init__", "accounts"}}
    assert set(contract["forbidden_modules"]) == expected
