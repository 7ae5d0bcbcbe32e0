"""Text of bytes: whatever a file holds, the result can be shown, stored as JSON and encoded as UTF-8."""

import codecs
import re
import unicodedata

# What no text means: C0 and C1 controls but tab and line breaks, and byte order marks in the middle.
CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")  # what any of them is about
META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
XML_ENCODING = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})")
WEB_ENCODING = re.compile(r"utf-8|cp\d+|iso8859-\d+|koi8-[ru]|gb\w+|big5\w*|shift_jis|euc_\w+|mac-\w+")
REPLACED_SHARE_MAX = 0.25  # of a text that is read
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me"})  # controls, joiners, and marks that are drawn onto another character
# Soft hyphen, word joiner, byte order mark; a zero width space where it does not part words, as it does in the scripts
# of Thai, Lao, Tibetan, Burmese and Khmer.
INSIDE_WORDS = re.compile("[\u00ad\u2060\ufeff]|(?<![\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff])\u200b")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def clean(text: str) -> str:
    """The text with `\\n` line breaks, without control characters; half a surrogate pair becomes U+FFFD."""
    if not UNCLEAN.search(text):
        return text
    text = LINE_BREAKS.sub("\n", text)
    return LONE_SURROGATES.sub("\ufffd", CONTROLS.sub("", text))


def in_whole_words(text: str) -> str:
    """The text with letters and their marks in one character (Unicode NFC), and without what stands unseen in words.

    Both would cut a word: to the tokenizer a mark or a soft hyphen is none of it. Text of nothing else stays so.

    >>> in_whole_words("re\\u0301sume\\u0301"), in_whole_words("time\\u00adsheet")
    ('résumé', 'timesheet')
    """
    if text.isascii():
        return text
    whole = INSIDE_WORDS.sub("", unicodedata.normalize("NFC", text))
    return whole if whole.strip() else text


def is_visible(text: str) -> bool:
    """Whether any character of the text can be seen by itself; a model may find nothing to read in the others.

    >>> is_visible(" \\u200b\\u00ad"), is_visible("\\u200ba")
    (False, True)
    """
    return any(not character.isspace() and unicodedata.category(character) not in UNSEEN for character in text)


def shown_name(name: str) -> str:
    """A file's name as text that can be printed and stored: bytes that are not UTF-8 become U+FFFD.

    >>> shown_name("caf\\udce9.md")
    'caf\ufffd.md'
    """
    return LONE_SURROGATES.sub("\ufffd", name)


def decoded(data: bytes) -> tuple[str, str]:
    """(clean text, what was wrong): by byte order mark, else UTF-8; bytes that are not become U+FFFD."""
    encoding = _marked_encoding(data) or "utf-8"
    return _decoded_as(data, encoding)


def is_no_text(text: str) -> bool:
    """Whether so many bytes were replaced that nobody could read the rest: another encoding's, or no text at all.

    Of a text in Latin letters, in windows-1252, fewer than a tenth are replaced.
    """
    return text.count("\ufffd") > REPLACED_SHARE_MAX * len(text)


def decoded_html(data: bytes) -> tuple[str, str]:
    """(clean text, what was wrong): by byte order mark, `<meta charset>`, XML declaration, UTF-8, else windows-1252.

    The order of the HTML standard, except that UTF-8 is tried before the legacy encoding browsers assume.
    """
    marked = _marked_encoding(data)
    if marked:
        return _decoded_as(data, marked)
    declared = _declared_encoding(data)
    if declared:
        return _decoded_as(data, declared)
    try:
        return clean(data.decode("utf-8")), ""
    except UnicodeDecodeError as error:
        text = data.decode("windows-1252", errors="replace")
        return clean(text), f"declares no encoding and byte {error.start} is not UTF-8; read as windows-1252"


def encoding_meant(label: str) -> str:
    """The encoding that a page or a header means by a label: windows-1252 where it says Latin-1 or ASCII, which it is
    the superset of (Encoding Standard, labels). LookupError or ValueError for a label nobody knows.
    """
    name = codecs.lookup(label).name
    return "windows-1252" if name in {"ascii", "iso8859-1"} else name


def _marked_encoding(data: bytes) -> str:
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if data.startswith(mark)), "")


def _declared_encoding(data: bytes) -> str:
    """What `<meta charset>` names, else an XML declaration; "" for none or one that is no encoding of web pages."""
    declared = META_CHARSET.search(data[:4096]) or XML_ENCODING.match(data[:4096])
    if declared is None:
        return ""
    try:
        name = encoding_meant(declared[1].decode("ascii"))
    except LookupError:
        return ""
    return name if name == "windows-1252" or WEB_ENCODING.fullmatch(name) else ""


def _decoded_as(data: bytes, encoding: str) -> tuple[str, str]:
    try:
        return clean(data.decode(encoding)), ""
    except UnicodeDecodeError as error:
        text = data.decode(encoding, errors="replace")
        return clean(text), f"byte {error.start} is not valid {encoding.upper()}; such bytes are shown as \ufffd"
