"""Front matter: the `key: value` lines between two `---` at the top of a Markdown file."""

import re
from dataclasses import dataclass, field

import yaml

FENCED = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
KEY_LINE = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:(.*)$", re.MULTILINE)
# The parser in C, about ten times faster, where PyYAML was built with it.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
# The parser calls itself for each list or mapping inside another, and some 20,000 of them are the end of the process.
# A bracket opens one, and so does each sign of `- - -`; by indentation alone this length is enough for a few hundred.
PARSED_CHARACTERS_MAX = 64 << 10
BRACKETS_MAX = 1000
SIGNS_IN_A_ROW = re.compile(r"^[ \t]*+(?:[-?:][ \t]++){100}", re.MULTILINE)
NULL = frozenset({"~", "null", "Null", "NULL"})  # YAML 1.2, core schema: nothing is said, unless it is quoted
TRUE = frozenset({"true", "yes", "on", "1"})


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The values of a file's front matter and the text below it."""

    text: str
    values: dict[str, str] = field(default_factory=dict)  # scalars only, without nulls, by lower-case key
    problem: str = ""

    def value(self, *keys: str) -> str:
        """The first of the keys that is there and not empty."""
        return next((self.values[key] for key in keys if self.values.get(key)), "")

    @property
    def suppressed(self) -> bool:
        """Whether the file asks to be left out."""
        return is_true(self.value("suppress"))


def is_true(value: str) -> bool:
    """Whether the value says yes, in any of YAML's spellings or as 1."""
    return value.strip().lower() in TRUE


def front_matter(text: str) -> FrontMatter:
    """What stands above the first heading between `---` lines, as strings: `version: 1.0` stays "1.0".

    Broken YAML is read line by line and told of; prose between two rules is no front matter and stays text.
    """
    fenced = FENCED.match(text)
    if fenced is None:
        return FrontMatter(text)
    below = text[fenced.end() :]
    try:
        values = _loaded(fenced[1])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        lines = {key.lower(): value.strip(" \t") for key, value in KEY_LINE.findall(fenced[1])}
        first_line = str(error).partition("\n")[0]
        if not lines:
            return FrontMatter(text)
        said = {key: value.strip("\"'") for key, value in lines.items() if value not in NULL}
        why = "is no valid YAML" if isinstance(error, yaml.YAMLError) else "is not parsed"
        return FrontMatter(below, said, f"the front matter {why} ({first_line}); it was read line by line")
    if values in (None, ""):
        return FrontMatter(below)
    if not isinstance(values, dict):
        return FrontMatter(text)
    return FrontMatter(below, {str(key).lower(): value for key, value in values.items() if isinstance(value, str)})


def _loaded(text: str) -> object:
    """What the YAML says. One of yaml.YAMLError, RecursionError and ValueError where it is broken, or might be nested
    too deep for its parser.
    """
    if len(text) > PARSED_CHARACTERS_MAX:
        raise ValueError(f"longer than {PARSED_CHARACTERS_MAX} characters")
    if text.count("[") + text.count("{") > BRACKETS_MAX or SIGNS_IN_A_ROW.search(text):
        raise ValueError("lists or mappings inside each other beyond all use")
    return yaml.load(text, Loader=_Loader)  # noqa: S506


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Makes nothing but strings, lists, dicts and None: safe, and no surprises with dates and `yes`."""

    def construct_scalar(self, node: yaml.ScalarNode) -> str | None:
        text: str = super().construct_scalar(node)
        return None if text in NULL and not node.style else text
