"""`skaffold dev`: a changed file of the service runs in its pods seconds later, without another image or pod."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.cluster.installation import load_image
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource, get
from tools.binaries import find
from tools.images.recipe import IMAGES
from tools.skaffold import with_profile

ROOT = Path(__file__).resolve().parents[2]
CHANGED = "service/clockifyrag_service/health.py"
BEFORE, AFTER = '"version": VERSION', '"version": VERSION + "-changed"'


def test_a_changed_file_of_the_service_runs_in_its_pod_which_stays(place: Kube) -> None:
    """Given the image that the profile dev builds, when a file is synced as Skaffold does it, then it is what runs."""
    command = [sys.executable, "-m", "tools.skaffold", "dev", "build"]
    subprocess.run(command, cwd=ROOT, check=True)
    load_image(place.cluster, "service-dev")
    search = LOCAL["search"] | {"replicas": 1, "image": IMAGES["service-dev"].tag}
    resource = place.resource().create(LOCAL | {"search": search}).wait_ready()
    (pod,) = resource.ready_pods
    before = version_told(resource)

    sync(place, pod, changed=CHANGED)

    resource.wait(lambda: version_told(resource) == f"{before}-changed", "what was changed is what runs")
    assert [pod["metadata"]["uid"]] == [one["metadata"]["uid"] for one in resource.ready_pods]
    assert {pod["metadata"]["name"]: 0} == resource.restarts()


def version_told(resource: Resource) -> str:
    """By /health; empty while the service starts anew."""
    try:
        return str(json.loads(get(f"{resource.url}/health"))["version"])
    except AssertionError:
        return ""


def sync(kube: Kube, pod: Manifest, changed: str) -> None:
    """Sends a changed file to where skaffold.yaml wants it, as Skaffold does: a tar into `kubectl exec`."""
    service = with_profile("dev")["build"]["artifacts"][2]
    (rule,) = [one for one in service["sync"]["manual"] if changed.startswith(one["src"].partition("*")[0])]
    target = f"{rule['dest']}/{changed.removeprefix(rule['strip'])}"
    text = (ROOT / changed).read_text()
    assert BEFORE in text, f"{changed} is another by now: name what this test may change"
    tar = ["tar", "xmf", "-", "-C", "/", "--no-same-owner"]
    kubectl = [str(find("kubectl")), f"--kubeconfig={kube.kubectl.kubeconfig}", f"--namespace={kube.namespace}"]
    command = [*kubectl, "exec", pod["metadata"]["name"], "--container=search", "--stdin", "--", *tar]
    done = subprocess.run(command, input=archive_of(target, text.replace(BEFORE, AFTER).encode()), capture_output=True)
    assert 0 == done.returncode, done.stderr.decode()


def archive_of(path: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o644
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()
