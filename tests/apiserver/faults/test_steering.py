"""R8, T15: what an author steers besides content, pause, pin and shards; and the way back from what fails its pods."""

import json

from tests.apiserver.controllers import Container, Ending, PodState
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL, Manifest
from tests.apiserver.faults.times import REST_SECONDS

ROLLOUT_SECONDS = 2  # the time a new pod has to get ready
SHARDS = 3
NOWHERE = "gen-0123456789ab"
CHANGED_MEANWHILE: Manifest = {"chunking": {"maxChars": 700}, "search": {"config": {"retrievalK": 9}, "replicas": 3}}


def children(stage: Stage) -> dict[str, str]:
    """uid and resourceVersion of each object but the resource itself, by kind and name."""
    return {
        f"{one['kind']}/{one['metadata']['name']}": f"{one['metadata']['uid']} {one['metadata']['resourceVersion']}"
        for one in objects(stage.story.api, stage.story.namespace)
        if one["kind"] != "ClockifyRAG"
    }


def search_pods(stage: Stage) -> list[Container]:
    return [seen for seen in map(Container, stage.story.all("Pod")) if seen.component == "search"]


def serves(stage: Stage, generation: str) -> None:
    """Waits until that generation is the published one, and every search pod is made for it."""

    def holds() -> bool:
        served = {pod.variable("GENERATION") for pod in search_pods(stage)}
        return served == {generation} and generation == stage.story.ledger.get("current")

    stage.story.wait(holds, f"{generation} is served")


def rebuilt(stage: Stage, max_chars: int) -> str:
    """The generation that a change of the chunks leads to, served."""
    before = stage.story.ledger["current"]
    stage.story.change({"chunking": {"maxChars": max_chars}})
    stage.story.wait(lambda: before != stage.story.ledger["current"], "another generation is published")
    stage.story.wait_ready()
    return str(stage.story.ledger["current"])


def test_paused_as_a_whole_nothing_but_the_status_is_written_and_what_waited_comes_through(field: Field) -> None:
    stage = field.stage(LOCAL)
    stage.story.change({"pause": "All"})
    stage.story.wait_condition("Paused", "True", "AllPaused")
    writes, before = len(stage.proxy.writes), children(stage)

    stage.story.change(CHANGED_MEANWHILE)
    stage.story.wait(stage.story.is_observed, "the status speaks of the change")
    stage.story.rest(REST_SECONDS)

    assert {"clockifyrags"} == {call.resource for call in stage.proxy.writes[writes:]}
    assert before == children(stage)
    stage.story.change({"pause": None})
    stage.story.wait_ready()
    assert 2 == len(stage.story.jobs_made())
    assert 3 == len(search_pods(stage))


def test_paused_rollouts_leave_pods_and_builds_as_they_are_and_put_back_what_is_missing(field: Field) -> None:
    stage = field.stage(LOCAL)
    stage.story.change({"pause": "Rollouts"})
    stage.story.wait_condition("Paused", "True", "RolloutsPaused")
    template = (stage.story.get("Deployment", "help-search") or {})["spec"]["template"]

    stage.story.change({"chunking": {"maxChars": 700}, "search": {"config": {"retrievalK": 9}}})
    stage.story.wait(stage.story.is_observed, "the status speaks of the change")
    stage.story.api.delete(stage.story.path("Service", "help-search"))
    stage.story.wait(lambda: stage.story.get("Service", "help-search"), "the Service is put back")
    stage.story.rest(REST_SECONDS)

    assert template == (stage.story.get("Deployment", "help-search") or {})["spec"]["template"]
    assert 1 == len(stage.story.jobs_made())
    stage.story.change({"pause": None})
    stage.story.wait_ready()
    assert 2 == len(stage.story.jobs_made())


def test_a_pinned_generation_is_served_without_a_build_and_the_newest_again_without_the_pin(field: Field) -> None:
    stage = field.stage(LOCAL)
    first = str(stage.story.ledger["current"])
    second = rebuilt(stage, 700)
    builds = len(stage.story.jobs_made())

    stage.story.change({"index": {"pin": first}, "chunking": {"maxChars": 650}})
    serves(stage, first)
    stage.story.wait_condition("IndexPublished", "True", "Pinned")
    assert builds == len(stage.story.jobs_made()), "while one is pinned nothing is built"

    stage.story.change({"index": {"pin": None}, "chunking": {"maxChars": 700}})
    serves(stage, second)
    stage.story.wait_ready()
    assert builds == len(stage.story.jobs_made()), "the way back is answered by the ledger"


def test_a_pin_to_what_is_not_there_is_told_and_changes_nothing(field: Field) -> None:
    stage = field.stage(LOCAL)
    before = children(stage)

    stage.story.change({"index": {"pin": NOWHERE}})

    stage.story.wait_condition("IndexPublished", "False", "Pinned")
    stage.story.rest(REST_SECONDS)
    assert before == children(stage)
    assert "True" == stage.story.condition("Ready")[0]


def test_a_generation_that_no_pod_gets_ready_with_is_left_for_the_last_good_one(field: Field) -> None:
    stage = field.stage(LOCAL, ROLLOUT_SECONDS=ROLLOUT_SECONDS)
    good = str(stage.story.ledger["current"])

    def fails(pod: Container) -> PodState | None:
        return PodState(ready=False) if pod.variable("GENERATION") not in ("", good) else None

    stage.story.world.pods.append(fails)
    stage.story.change({"chunking": {"maxChars": 700}})

    stage.story.wait_condition("IndexPublished", "False", "RolledBack")
    serves(stage, good)
    states = {one["id"]: one["state"] for one in stage.story.ledger["entries"]}
    assert "Good" == states.pop(good)
    assert ["RolledBack"] == list(states.values())
    assert 2 == len(stage.story.jobs_made()), "what failed is not built again by itself"
    stage.story.world.pods.clear()
    stage.story.reindex("mended")  # the author's word after whatever was wrong
    stage.story.wait(lambda: "mended" in stage.story.ledger.get("tokens", ()), "the token is consumed")
    assert 3 == len(stage.story.jobs_made())


def built_by(field: Field, shards: int) -> tuple[list[Container], str]:
    """The Jobs of a creation whose builder asks for its vectors wherever it may; and what is published."""
    stage = field.stage()

    def wants_vectors(seen: Container) -> Ending | None:
        return Ending(message=json.dumps({"result": "NeedVectors"})) if seen.option("--shards") else None

    stage.story.world.jobs.append(wants_vectors)
    stage.story.create({**LOCAL, "embedding": {"provider": "Local", "shards": shards}})
    stage.story.wait_ready()
    return [Container(one) for one in stage.story.jobs()], str(stage.story.ledger["current"])


def test_shards_embed_in_a_job_between_two_builds_and_publish_what_one_builder_does(field: Field) -> None:
    alone, published = built_by(field, 1)
    jobs, published_by_shards = built_by(field, SHARDS)

    assert ["build"] == [job.component for job in alone]
    assert ["build", "embed", "build"] == [job.component for job in jobs]
    spec = jobs[1].manifest["spec"]
    assert ("Indexed", SHARDS, SHARDS) == (spec["completionMode"], spec["completions"], spec["parallelism"])
    assert published == published_by_shards
