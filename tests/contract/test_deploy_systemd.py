"""The systemd units: systemd itself reads and judges them, and their commands are ones the programs take."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from clockifyrag_cli.__main__ import app
from clockifyrag_service.settings import Settings

pytestmark = pytest.mark.programs

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
INSTALLED = "/opt/clockifyrag"
UNITS = [pytest.param("clockifyrag.service", id="one"), pytest.param("clockifyrag@.service", id="of-several")]
EXPOSURE_MAX = 15  # tenths; 100 is an unprotected root service


def systemd_analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not on PATH. Type: apt-get install systemd"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def installed(unit: str, folder: Path) -> Path:
    """A copy of the unit that runs this checkout, for what checks that its programs exist."""
    copy = folder / unit
    copy.write_text((DEPLOY / unit).read_text().replace(f"{INSTALLED}/", f"{ROOT}/"))
    return copy


def settings_of(unit: str) -> dict[str, list[str]]:
    """The values of each key, in order."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", (DEPLOY / unit).read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_to_complain_of(unit, tmp_path):
    copy = installed(unit, tmp_path)

    verified = systemd_analyze("verify", "--man=no", copy)

    assert ("", 0) == (verified.stderr, verified.returncode)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_calls_the_unit_well_protected(unit, tmp_path):
    copy = installed(unit, tmp_path)

    judged = systemd_analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", copy)

    assert 0 == judged.returncode, judged.stdout


def test_several_instances_are_one_user_over_one_folder():
    one, of_several = settings_of("clockifyrag.service"), settings_of("clockifyrag@.service")

    own = {"Description", "After", "ExecStart", "Environment"}
    differing = {key for key in one.keys() | of_several.keys() if one.get(key) != of_several.get(key)}

    assert differing <= own
    assert (["clockifyrag"], ["yes"]) == (one["User"], one["DynamicUser"])


def test_the_command_line_takes_what_the_unit_starts():
    program, *arguments = shlex.split(settings_of("clockifyrag.service")["ExecStart"][0])

    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    up = group.commands[arguments[0]].make_context("up", arguments[1:])

    assert f"{INSTALLED}/.venv/bin/clockifyrag" == program
    assert Path("/etc/clockifyrag/clockifyrag.yaml") == up.params["file"]
    assert Path("/var/lib/clockifyrag/index") == up.params["root"]
    assert up.params["watch"] is True


@pytest.mark.parametrize("unit", UNITS)
def test_the_service_knows_the_variables_of_the_unit(unit):
    pairs = [pair for line in settings_of(unit)["Environment"] for pair in line.split()]

    names = {pair.partition("=")[0] for pair in pairs}

    assert names - {"PYTHONUNBUFFERED"} <= {name.upper() for name in Settings.model_fields}


def test_a_port_in_the_environment_file_cannot_give_two_instances_one_port():
    (command,) = settings_of("clockifyrag@.service")["ExecStart"]
    before_python = shlex.split(command.replace("%i", "8001").partition(f" {INSTALLED}")[0])

    variables = {"PATH": os.environ["PATH"], "API_PORT": "8000"}  # as EnvironmentFile= would set them
    shown = subprocess.run([*before_python, "printenv", "API_PORT"], env=variables, capture_output=True, check=True)

    assert b"8001\n" == shown.stdout
