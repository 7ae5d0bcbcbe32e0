"""Layout: texts become paths only if they cannot lead anywhere else."""

import pytest

from clockifyrag_index.errors import GenerationMissing
from clockifyrag_index.layout import Layout, is_file_name, is_generation_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("gen-0123456789ab", True, id="an id"),
        pytest.param("gen-0123456789AB", False, id="upper case"),
        pytest.param("gen-0123456789a", False, id="too short"),
        pytest.param("gen-0123456789ab\n", False, id="a line end"),
        pytest.param("gen-0123456789ab.bad-1", False, id="set aside"),
        pytest.param("gen-०१२३४५६७८९ab", False, id="digits of another script"),
        pytest.param("../gen-0123456789ab", False, id="dots"),
    ],
)
def test_an_id_is_gen_and_twelve_hex_digits(text, expected):
    assert expected is is_generation_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("index.bin", True, id="a file"),
        pytest.param("lexical/body.tf.npy", True, id="a file of the word statistics"),
        pytest.param("other/x", False, id="another folder"),
        pytest.param("lexical/../x", False, id="dots"),
        pytest.param("lexical/a/b", False, id="two folders deep"),
        pytest.param("..", False, id="the folder above"),
        pytest.param(".hidden", False, id="hidden"),
        pytest.param("/etc/passwd", False, id="absolute"),
        pytest.param("a\x00b", False, id="a NUL byte"),
        pytest.param("", False, id="nothing"),
        pytest.param("x" * 200, False, id="too long"),
    ],
)
def test_a_file_name_stays_inside_its_generation(text, expected):
    assert expected is is_file_name(text)


def test_a_text_that_is_no_id_has_no_folder(tmp_path):
    with pytest.raises(GenerationMissing, match="no generation id"):
        Layout(tmp_path).generation("../..")


def test_each_folder_is_known_for_what_it_is(tmp_path):
    layout = Layout(tmp_path)
    generation = "gen-0123456789ab"
    leftovers = {
        layout.temporary("build"),
        layout.temporary("import"),
        layout.removing(generation),
        layout.removing(layout.set_aside(generation).name),
    }
    aside = layout.set_aside(generation)
    for path in (layout.generation(generation), aside, *leftovers, layout.generations / "notes"):
        path.mkdir(parents=True)

    assert [generation] == layout.generation_ids()
    assert [aside.name] == layout.set_aside_names()
    assert leftovers == set(layout.leftovers())
