"""skaffold.yaml, as each profile makes it: of the format, of files that exist, and of what the other tools know."""

import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from tools.images.recipe import IMAGES, VERSION
from tools.skaffold import CONFIG, apply, builds, deploys, with_profile

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "tests" / "contract" / "skaffold" / "subset.schema.json").read_text())
PROFILES = [None, "dev", "e2e", "prod"]

Node = Any


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_of_the_format(profile):
    validator = jsonschema_rs.validator_for(SCHEMA)

    problems = [str(error) for error in validator.iter_errors(with_profile(profile))]

    assert [] == problems


def test_the_file_as_it_stands_is_of_the_format_and_has_the_three_profiles():
    problems = [str(error) for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(CONFIG)]

    assert [] == problems
    assert ["dev", "e2e", "prod"] == [profile["name"] for profile in CONFIG["profiles"]]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"apiVersion": "skaffold/v2beta29"}, id="another version"),
        pytest.param({"deployment": {}}, id="an unknown key"),
        pytest.param(
            {"build": {"artifacts": [{"image": "clockifyrag-service", "docker": {}}]}}, id="no custom builder"
        ),
        pytest.param({"build": CONFIG["build"] | {"tagPolicy": {"inputDigest": {}, "gitCommit": {}}}}, id="two tags"),
    ],
)
def test_the_check_refuses_what_is_not_of_the_format(wrong):
    validator = jsonschema_rs.validator_for(SCHEMA)

    accepted = validator.is_valid(CONFIG | wrong)

    assert not accepted


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_built_is_what_the_builder_knows_under_the_name_of_the_chart(profile):
    artifacts = with_profile(profile)["build"]["artifacts"]
    images = yaml.safe_load((ROOT / "charts" / "clockifyrag" / "values.yaml").read_text())["images"]

    commands = [shlex.split(artifact["custom"]["buildCommand"]) for artifact in artifacts]

    assert [["python3", "-m", "tools.images", "build"]] * 3 == [command[:-1] for command in commands]
    assert {command[-1] for command in commands} <= IMAGES.keys()
    assert {artifact["image"] for artifact in artifacts} == {
        images[part]["repository"] for part in ("operator", "service", "indexBuilder")
    }


def test_an_image_is_built_anew_for_each_file_that_it_copies():
    artifacts = {artifact["image"]: artifact for artifact in CONFIG["build"]["artifacts"]}

    missed = [
        str(path.relative_to(ROOT))
        for name in ("operator", "index-builder", "service")
        for path in IMAGES[name].files()
        if not any(
            path.relative_to(ROOT).is_relative_to(watched)
            for watched in artifacts[IMAGES[name].repository]["custom"]["dependencies"]["paths"]
        )
    ]

    assert [] == missed


@pytest.mark.parametrize("profile", PROFILES)
def test_each_path_that_is_named_exists(profile):
    config = with_profile(profile)
    helm = config["deploy"]["helm"]
    paths = [path for one in config["build"]["artifacts"] for path in one["custom"]["dependencies"]["paths"]]
    paths += [release["chartPath"] for release in helm["releases"]]
    hooks = [hook["host"]["command"] for hook in helm.get("hooks", {}).get("after", [])]
    paths += [word for command in hooks for word in shlex.split(command[-1]) if "/" in word or "." in word]

    missing = [path for path in paths if not (ROOT / path).exists()]

    assert [] == missing
    assert all("kubectl apply" in " ".join(command) for command in hooks)
    assert bool(hooks) == (profile in ("dev", "e2e"))


@pytest.mark.parametrize("profile", PROFILES)
def test_each_value_that_is_set_is_one_of_the_chart_and_of_an_image_that_is_built(profile):
    config = with_profile(profile)
    values = yaml.safe_load((ROOT / "charts" / "clockifyrag" / "values.yaml").read_text())
    built = {artifact["image"].replace("-", "_") for artifact in config["build"]["artifacts"]}
    release = config["deploy"]["helm"]["releases"][0]
    templates = release["setValueTemplates"]

    for key, template in (templates | release.get("setValues", {})).items():
        place: Node = values
        for part in key.split("."):
            place = place[part]
        if template.startswith("{{.E2E_") or key not in templates:
            continue  # told by the tests of the cluster, or as it is
        field, _, image = template.strip("{}.").removeprefix("IMAGE_").partition("_")

        assert {"REPO": "repository", "TAG": "tag", "DIGEST": "digest"}[field] == key.rpartition(".")[2]
        assert image in built


def test_a_changed_file_of_the_service_lands_where_the_image_for_development_runs_it():
    service = with_profile("dev")["build"]["artifacts"][2]
    entrypoint = json.loads((ROOT / "service" / "Dockerfile.dev").read_text().partition("ENTRYPOINT ")[2])
    _, _, folder, *packages = entrypoint

    synced = {rule["src"].removeprefix(rule["strip"]).split("/")[0]: rule for rule in service["sync"]["manual"]}

    assert "clockifyrag-service" == service["image"]
    assert set(packages) == synced.keys()
    assert {folder} == {rule["dest"] for rule in synced.values()}
    assert [] == [rule["src"] for rule in synced.values() if not list(ROOT.glob(rule["src"]))]


def test_the_steps_that_are_run_without_skaffold_are_those_of_the_profile():
    config = with_profile("e2e")

    install, *hooks = deploys(config)

    assert ["operator", "index-builder", "service"] == [command[-1] for command in builds(config)]
    assert ["helm", "upgrade", "--install", "clockifyrag", "charts/clockifyrag"] == install[:5]
    assert f"images.indexBuilder.tag={VERSION}" in install
    assert "images.service.repository=clockifyrag-service" in install
    assert "alertFor=5s" in install
    assert ["sh"] == [command[0] for command in hooks]


def test_for_development_the_image_that_starts_anew_is_the_one_that_is_installed():
    (install, _) = deploys(with_profile("dev"))

    assert "images.service.repository=clockifyrag-service-dev" in install


def test_a_patch_of_what_is_not_there_is_refused():
    with pytest.raises(KeyError, match="/build/kaniko is not there to replace"):
        apply(with_profile(None), {"op": "replace", "path": "/build/kaniko", "value": {}})
