"""If-None-Match against the tag of an answer (RFC 9110, section 13.1.2)."""

import pytest

from clockifyrag_service.etags import is_unchanged, weak_etag

TAG = b'W/"0123456789abcdef"'


@pytest.mark.parametrize(
    ("if_none_match", "unchanged"),
    [
        pytest.param(None, False, id="not-sent"),
        pytest.param(b"", False, id="empty"),
        pytest.param(TAG, True, id="the-tag"),
        pytest.param(b'"0123456789abcdef"', True, id="strong-of-a-weak-one"),
        pytest.param(b'"a", W/"b" , ' + TAG, True, id="last-of-a-list"),
        pytest.param(b" * ", True, id="any"),
        pytest.param(b'W/"0123456789abcdee"', False, id="another"),
        pytest.param(b"0123456789abcdef", False, id="without-quotes"),
        pytest.param(b'W/"0123456789abcdef', False, id="half-a-tag"),
        pytest.param(b'"*"', False, id="a-tag-that-is-a-star"),
    ],
)
def test_a_tag_is_found_or_not(if_none_match: bytes | None, unchanged: bool) -> None:
    assert unchanged == is_unchanged(TAG, if_none_match)


def test_equal_contents_have_equal_tags_and_others_another() -> None:
    assert weak_etag(b"a") == weak_etag(b"a") != weak_etag(b"b")
