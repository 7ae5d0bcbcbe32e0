"""Jobs: what they are told, what they mount, where they run, when they are given up."""

from typing import Any

import pytest
from drawn import BUILD, EMBED, EMBEDDERS, KEY, LIST, POD_ADDITIONS, SOURCES, Spec, drawn, options

from clockifyrag_operator import names
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.observed import Manifest

RWX: Spec = {"index": {"storage": {"accessMode": "ReadWriteMany"}}}


def job(spec: Spec | None = None, order: BuildOrder = BUILD, **decision: Any) -> Manifest:
    (found,) = [
        one for (kind, _), one in drawn(spec or {}, None, order=order, **decision).items() if kind == "Job"
    ]  # fmt: skip
    return found


def pod(of: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = of["spec"]["template"]["spec"]
    return spec


def mounts(of: Manifest) -> dict[str, tuple[Any, bool]]:
    """Where each volume is mounted: what it is, and whether it is read-only."""
    volumes = {one["name"]: one for one in pod(of)["volumes"]}
    mounted = pod(of)["containers"][0]["volumeMounts"]
    return {one["mountPath"]: (volumes[one["name"]], one.get("readOnly", False)) for one in mounted}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param("sample", "--source=sample --format=Auto --namespace=default", id="sample"),
        pytest.param("config map", "--source=/source", id="config map"),
        pytest.param("keys of a config map", "--source=/source --format=Markdown", id="keys"),
        pytest.param("volume", "--source=/source/help/en --namespace=docs", id="volume"),
        pytest.param(
            "http",
            f"--source=https://example.com/$$(HOME)/a.tar.gz --sha256={'0' * 64} --allow-host=10.0.0.8",
            id="http",
        ),
        pytest.param(
            "http with authorization",
            "--source=http://example.com:8443/a.jsonl "
            "--authorization-file=/secrets/authorization/clockifyrag-authorization",
            id="authorization",
        ),
        pytest.param(
            "crawl",
            "--source=crawl --start-url=https://example.com/help/ --sitemap=http://example.com:81/sitemap.xml "
            "--allow=https://example.com/help/ --max-pages=7 --delay-seconds=0 --allow-host=intranet",
            id="crawl",
        ),
    ],
)
def test_a_build_is_told_its_source(source: str, told: str) -> None:
    assert set(told.split()) <= set(options(job({"source": SOURCES[source]})))


@pytest.mark.parametrize(
    ("source", "folder", "kind", "value"),
    [
        ("config map", "/source", "configMap", {"name": "articles"}),
        (
            "keys of a config map",
            "/source",
            "configMap",
            {"name": "articles", "items": [{"key": "a.md", "path": "a.md"}, {"key": "b.md", "path": "b.md"}]},
        ),
        ("volume", "/source", "persistentVolumeClaim", {"claimName": "articles"}),
        (
            "http with authorization",
            "/secrets/authorization",
            "secret",
            {
                "secretName": "header",
                "items": [{"key": "clockifyrag-authorization", "path": "clockifyrag-authorization"}],
                "defaultMode": 0o440,
                "optional": False,
            },
        ),
    ],
)
def test_a_source_beside_the_resource_is_mounted_read_only(
    source: str, folder: str, kind: str, value: dict[str, Any]
) -> None:
    volume, read_only = mounts(job({"source": SOURCES[source]}))[folder]

    assert (value, True) == (volume[kind], read_only)


@pytest.mark.parametrize(
    ("embedder", "told"),
    [
        pytest.param(
            "ollama",
            ["--embedder=ollama", "--model=nomic-embed-text", "--ollama-url=http://help-ollama-0.help-ollama:11434"],
            id="managed",
        ),
        pytest.param(
            "ollama, several",
            [
                "--ollama-url=http://help-ollama-0.help-ollama:11434,http://help-ollama-1.help-ollama:11434,"
                "http://help-ollama-2.help-ollama:11434"
            ],
            id="several",
        ),
        pytest.param("ollama, external", ["--ollama-url=http://ollama.example:11434"], id="external"),
        pytest.param("local", ["--embedder=local", "--model=all-minilm", "--max-chars=800"], id="local"),
        pytest.param(
            "ollama, digest and profile",
            [
                f"--model-digest={'a' * 64}",
                "--dimensions=8",
                "--document-prefix=- passage: $",
                "--query-prefix=query: ",
                "--context-tokens=512",
            ],
            id="a model described",
        ),
    ],
)
def test_a_build_is_told_its_embedder(embedder: str, told: list[str]) -> None:
    assert set(told) <= set(options(job(EMBEDDERS[embedder])))


def test_a_local_build_is_told_of_no_model_server() -> None:
    assert not [one for one in options(job(EMBEDDERS["local"])) if one.startswith(("--ollama-url", "--serving"))]


def test_a_build_never_publishes_and_tells_its_outcome_to_the_operator() -> None:
    told = options(job())

    assert {
        "--no-publish", "--outcome=/dev/termination-log", "--progress=json", "--ops-port=9090", "--out=/index",
        f"--build-key={KEY}", "--reason=Initial",
    } <= set(told)  # fmt: skip
    assert "--publish" not in told
    assert "/dev/termination-log" == names.OUTCOME_FILE


def test_builds_leave_questions_their_share_of_the_model_servers_once_there_is_something_to_ask() -> None:
    assert "--serving" in options(job())
    assert "--serving" not in options(job(published=None))
    assert "--serving" not in options(job(EMBEDDERS["local"]))


def test_a_build_removes_what_its_order_names() -> None:
    order = BuildOrder("Build", KEY, "", "Initial", remove=("gen-000000000000", "gen-111111111111"))

    assert "--remove=gen-000000000000,gen-111111111111" in options(job(order=order))
    assert not [one for one in options(job()) if one.startswith("--remove")]


def test_shards_embed_side_by_side_and_the_build_before_them_asks_for_them() -> None:
    spec = {"embedding": {"provider": "Local", "shards": 4}}
    first = BuildOrder("Build", KEY, "", "Initial", shards=4)

    asking, embedding = job(spec, first), job(spec, EMBED)

    assert "--shards=4" in options(asking)
    assert "completionMode" not in asking["spec"]
    assert {"--embed-only", "--shard=2/4"} <= set(options(embedding))
    assert ("Indexed", 4, 4) == tuple(
        embedding["spec"][key] for key in ("completionMode", "completions", "parallelism")
    )
    assert embedding["metadata"]["name"].startswith("help-embed-")


def test_a_lost_ledger_is_listed_without_reading_a_source() -> None:
    listing = job({"source": SOURCES["config map"]}, LIST)

    assert ["index", "ls", "--root=/index", "--json", "--outcome=/dev/termination-log"] == options(listing)
    assert {"/index", "/tmp"} == set(mounts(listing))


def test_a_job_says_which_order_it_carries_out() -> None:
    order = BuildOrder("Build", KEY, "token", "Requested", attempt=2, remove=("gen-000000000000",))

    assert order == BuildOrder.parse(job(order=order)["metadata"]["annotations"][names.ORDER])


def test_a_job_runs_beside_the_store_and_where_its_author_says() -> None:
    near_store = {
        "labelSelector": {"matchLabels": names.selector("help", "store")},
        "topologyKey": "kubernetes.io/hostname",
    }
    spec = {"build": {"pod": POD_ADDITIONS}}

    placed = pod(job(spec))
    terms = placed["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]

    (his,) = POD_ADDITIONS["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [his, near_store] == terms
    assert {"disk": "fast"} == placed["nodeSelector"]
    assert "affinity" not in pod(job(RWX))
    store = drawn(spec)["StatefulSet", "help-store"]["spec"]["template"]["spec"]
    assert (placed["nodeSelector"], placed["tolerations"]) == (store["nodeSelector"], store["tolerations"])


def test_the_store_reads_what_builds_write() -> None:
    store = drawn()["StatefulSet", "help-store"]["spec"]

    (serving,) = store["template"]["spec"]["containers"]
    mounted = {one["name"]: one.get("readOnly", False) for one in serving["volumeMounts"]}
    assert ["index", "serve", "--root=/index", "--host=0.0.0.0", "--port=8001"] == serving["args"]
    assert {"index": True, "tmp": False} == mounted
    assert (1, "help-store") == (store["replicas"], store["serviceName"])
    assert ({"claimName": "help-index"}, False) == (
        mounts(job())["/index"][0]["persistentVolumeClaim"],
        mounts(job())["/index"][1],
    )


def test_a_failed_pod_is_tried_again_a_wrong_option_is_not_and_a_drained_node_is_no_failure() -> None:
    spec = job({"build": {"deadlineSeconds": 600}})["spec"]

    assert (3, 600, "Failed") == tuple(
        spec[key] for key in ("backoffLimit", "activeDeadlineSeconds", "podReplacementPolicy")
    )
    usage, disrupted = spec["podFailurePolicy"]["rules"]
    assert ("FailJob", "build", [2]) == (
        usage["action"],
        usage["onExitCodes"]["containerName"],
        usage["onExitCodes"]["values"],
    )
    assert ("Ignore", "DisruptionTarget") == (disrupted["action"], disrupted["onPodConditions"][0]["type"])
    assert "ttlSecondsAfterFinished" not in spec
    assert ("Never", "build") == (
        spec["template"]["spec"]["restartPolicy"],
        spec["template"]["spec"]["containers"][0]["name"],
    )
