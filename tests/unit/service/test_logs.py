"""Logs: JSON lines, questions hashed, nothing lost at the end."""

import errno
import io
import json
import logging
from pathlib import Path

import pytest
from tests.waiting import wait_until

from clockifyrag_service.logs import JsonLines, RequestLog, hash_key, query_hash


def logged(log_queries: bool) -> dict[str, object]:
    stream = io.StringIO()
    log = RequestLog(stream, enabled=True, log_queries=log_queries)
    log.start()
    log.add("r-1", "GET", "/search", 200, 0.0123, {"query": "my secret", "results": 3})
    log.stop()
    return dict(json.loads(stream.getvalue()))


def test_a_request_is_one_line_with_its_id_and_a_hash_of_the_question() -> None:
    line = logged(log_queries=False)

    assert ("r-1", "GET", "/search", 200, 12.3, 3) == tuple(
        line[name] for name in ("request_id", "method", "endpoint", "status", "latency_ms", "results")
    )
    assert query_hash("my secret") == line["query_hash"]
    assert "query" not in line


def test_a_search_from_the_cache_is_one_line_with_the_time_it_was_answered_at(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    log = RequestLog(stream, enabled=True, log_queries=False, key=b"k")
    monkeypatch.setattr("clockifyrag_service.logs.time.time", lambda: 1.0055)

    log.add_from_cache("r-1", "/search", 200, 0.001, "my secret", 3)
    log.stop()

    line = json.loads(stream.getvalue())
    assert "1970-01-01T00:00:01.005Z" == line["time"]
    assert (True, 3, query_hash("my secret", b"k")) == (line["from_cache"], line["results"], line["query_hash"])


def test_hashes_of_a_question_are_equal_under_one_key_and_tell_nothing_without_it(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(bytes(range(100)))  # longer than a key may be

    key = hash_key(file)

    assert query_hash("my secret", key) == query_hash("my secret", hash_key(file))
    assert 3 == len({query_hash("my secret", one) for one in (b"", key, b"another")})
    assert b"" == hash_key(None)


def test_without_its_file_a_server_hashes_with_a_key_of_its_own(tmp_path: Path) -> None:
    one, other = hash_key(tmp_path / "missing"), hash_key(tmp_path / "missing")

    assert query_hash("my secret", one) != query_hash("my secret", other)
    assert query_hash("my secret") not in (query_hash("my secret", one), query_hash("my secret", other))


def test_the_question_is_logged_where_that_is_wanted() -> None:
    assert "my secret" == logged(log_queries=True)["query"]


def test_a_log_that_is_off_writes_nothing() -> None:
    stream = io.StringIO()
    log = RequestLog(stream, enabled=False, log_queries=False)

    log.start()
    log.stop()

    assert "" == stream.getvalue()


class FillingUp(io.StringIO):
    """A file on a disk that is full for a while."""

    full = False
    refused = 0

    def flush(self) -> None:
        if self.full:
            self.refused += 1
            self.truncate(0)
            self.seek(0)
            raise OSError(errno.ENOSPC, "No space left on device")


def test_lines_that_a_full_disk_takes_not_are_counted_and_told_once_and_the_log_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("clockifyrag_service.logs.FLUSH_SECONDS", 0.001)
    stream = FillingUp()
    log = RequestLog(stream, enabled=True, log_queries=False)
    log.start()

    stream.full = True
    log.add("lost", "GET", "/search", 200, 0.01, {})
    wait_until(lambda: stream.refused > 0, 10, "the disk refuses a line", every=0.001)
    stream.full = False
    log.add("kept", "GET", "/search", 200, 0.01, {})
    wait_until(lambda: "kept" in stream.getvalue(), 10, "the next line is written", every=0.001)
    log.stop()

    assert "lost" not in stream.getvalue()
    told = [record.getMessage() for record in caplog.records]
    assert [
        "1 lines of requests were dropped: the log could not be written ([Errno 28] No space left on device)"
    ] == told


def test_a_disk_that_is_full_at_the_end_holds_up_no_end(caplog: pytest.LogCaptureFixture) -> None:
    stream = FillingUp()
    log = RequestLog(stream, enabled=True, log_queries=False)
    log.start()
    stream.full = True

    log.add("lost", "GET", "/search", 200, 0.01, {})
    log.stop()

    assert ["1 lines of requests were dropped"] == [record.getMessage()[:32] for record in caplog.records]


def test_other_lines_are_json_with_level_and_extra_fields() -> None:
    record = logging.makeLogRecord({"name": "x", "levelname": "ERROR", "msg": "it %s", "args": ("broke",), "part": 7})

    line = json.loads(JsonLines().format(record))

    assert ("error", "it broke", 7) == (line["level"], line["message"], line["part"])
    assert line["time"].endswith("Z")
