"""deploy/README.md: what its commands name exists."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "deploy" / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
INSTALLED = "/opt/clockifyrag"


@pytest.mark.parametrize("command", COMMANDS)
def test_files_of_the_project_that_a_command_names_exist(command):
    words = shlex.split(command)

    named = [word.replace(INSTALLED, str(ROOT)) for word in words if word.startswith((f"{INSTALLED}/", "deploy/"))]

    assert [] == [name for name in named if not Path(name).is_file()]


def test_no_command_has_a_variable_for_itself_alone_that_the_next_would_lack():
    assert [] == [command for command in COMMANDS if re.match(r"[A-Z_]+=", command)]


def test_make_has_the_word_the_installation_uses():
    (command,) = [command for command in COMMANDS if command.startswith("make ")]

    target = command.split()[3]

    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_units_that_are_enabled_are_copied_before():
    copied = {name for command in COMMANDS for name in re.findall(r"deploy/(\S+\.service)", command)}

    enabled = {re.sub("@.*", "@", command.split()[-1]) + ".service" for command in COMMANDS if " enable " in command}

    assert copied == enabled == {path.name for path in (ROOT / "deploy").glob("*.service")}
