"""The one question that is asked of a node's CRI, byte for byte as containerd 1.6 takes and answers it."""

import pytest
from tools.cluster.cri import framed, is_found, request, varint

NAME = "localhost/clockifyrag/pause:another"
# What containerd 1.6.20 answered: of a name it has, of one it lacks.
HAS = (
    b"\0\0\0\0\x9f\n\x9c\x01\nGsha256:4d4af9bbd014b718ba998c213d0b1277723bacc4a26fe1b09c99ff791b161adf"
    b"\x12(localhost/clockifyrag/pause:368dab28cb81\x12#localhost/clockifyrag/pause:another \x99\x95+"
)
LACKS = b"\0\0\0\0\0"


def test_the_name_is_in_a_message_in_a_message_in_a_frame() -> None:
    assert b"\0\0\0\0\x27\x0a\x25\x0a\x23" + NAME.encode() == framed(request(NAME))


def test_lengths_of_long_names_take_more_bytes() -> None:
    name = "registry.example/" + "a" * 200

    assert b"\x0a\xdc\x01\x0a\xd9\x01" + name.encode() == request(name)
    assert [b"\x7f", b"\x80\x01", b"\xac\x02"] == [varint(127), varint(128), varint(300)]


@pytest.mark.parametrize(
    ("answer", "found"), [(HAS, True), (LACKS, False), (b"", False)], ids=["has", "lacks", "error"]
)
def test_an_image_is_there_where_the_answer_holds_one(answer: bytes, found: bool) -> None:
    assert found == is_found(answer)
