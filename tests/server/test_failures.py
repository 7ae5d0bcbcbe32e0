"""What nobody foresaw still gets the envelope, and its cause stands in the log under the request's id."""

import asyncio
import io
import logging
from pathlib import Path

import httpx
import pytest

from clockifyrag_service.app import bare_app
from clockifyrag_service.front import Front
from clockifyrag_service.parts import assembled
from clockifyrag_service.settings import Settings


def test_an_unforeseen_error_is_a_500_without_its_cause(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(_env_file=None, index_root=tmp_path)  # type: ignore[call-arg]
    parts = assembled(settings, io.StringIO())
    app = bare_app(None)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError(f"cannot read {tmp_path}/secret")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Front(app, parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/boom")

    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(ask())

    assert (500, "INTERNAL") == (answer.status_code, answer.json()["error"]["code"])
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert (1, 0) == (parts.traffic.answered, parts.traffic.inflight)


def test_what_fails_before_the_routes_is_a_500_like_any_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(headers: object) -> bool:
        raise RuntimeError(f"cannot read {tmp_path}/secret")

    monkeypatch.setattr("clockifyrag_service.front.announces_body", fails)
    parts = assembled(Settings(_env_file=None, index_root=tmp_path), io.StringIO())  # type: ignore[call-arg]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Front(bare_app(None), parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/anywhere")

    answer = asyncio.run(ask())

    assert (500, "INTERNAL") == (answer.status_code, answer.json()["error"]["code"])
    assert "secret" not in answer.text
    assert f"request {answer.headers['x-request-id']} failed" in caplog.text
    assert "nosniff" == answer.headers["x-content-type-options"]
