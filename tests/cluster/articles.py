"""Articles in a ConfigMap, as an author keeps them."""

from __future__ import annotations

from tests.cluster.kube import Manifest

ARTICLES = {
    "kiosk.md": "# Kiosk\n\nEmployees clock in at a shared tablet. Each of them types a PIN of four digits.\n",
    "invoices.md": "# Invoices\n\nMake an invoice from tracked hours, and send it to a client as a PDF.\n",
    "timer.md": "# Timer\n\nPress start, work, press stop. The entry stands at the top of the list.\n",
}
EDITED = "# Kiosk\n\nEmployees clock in at a shared tablet by showing their face to the camera.\n"  # of kiosk.md


def articles(files: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "articles"}, "data": files}
