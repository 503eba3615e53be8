"""Texts that reveal differences of tokenizers: a backend must produce the reference's ids for all of them."""

from collections.abc import Iterator

_WORDS = "The quick brown fox didn't jump over 3 lazy dogs, did it? "

_LINES = (
    "",
    " ",
    "  leading, inner   and trailing blanks  ",
    "\ttab\nnewline\r\nreturn\x0bvertical\x0cfeed",
    "one\u00a0no-break\u2003em\u3000ideographic\u200bzero\u2028line\u0085next",
    "NUL\x00 bell\x07 escape\x1b delete\x7f C1\x80\x9f soft\u00adhyphen \ufeff BOM \ufffd",
    "MiXeD CaSe, ALL CAPS, iPhone, McDonald's; ǅ ﬁ ẞ İstanbul ıstanbul ΣΊΣΥΦΟΣ",
    "café naïve Zürich Ångström — cafe\u0301 nai\u0308ve, e\u0301\u0323\u0302 Việt Nam",
    "Это замечательный фильм! Їжак ёлка",
    "这部电影非常好看。映画はとても面白かったです。이 영화 정말 좋아요 각",
    "هذا الفيلم رائع ־ שלום עולם नमस्ते दुनिया สวัสดี ᏣᎳᎩ",
    "😀 👍🏽 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ☺︎ 🇩🇪🇫🇷 \U0001f9ff\U000e0001 \U0010ffff \ue000 𝕱𝖗𝖆𝖐𝖙𝖚𝖗 𠮷野家",
    "don't can't we'll I'm he'd they've 'tis o'clock John's 'S 'LL ’s",
    "1 22 333 4444 3.14 1,000,000 -5e10 ½ ² Ⅷ ٣٤ 12:30 2026-01-31",
    "!? ... --- *** ### $100 50% a_b c/d e\\f <tag> {json} [list] (x) «q» “q” ^~`|",
    "https://example.com/a?b=c&d=e#f user@example.com @name #hashtag C++ .NET",
    "soooooooooo goooood!!!!!!! hahahahahaha",
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <pad> <mask> <unk> <|endoftext|> [cls]",
    "a<s>b </s>c[SEP]d[MASK] e<mask>f",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "pneumonoultramicroscopicsilicovolcanoconiosis" * 8,
    "\u0301" * 40,
    "가" * 60 + "字" * 60,
)


def probe_texts(max_tokens: int) -> Iterator[str]:
    """Yield every probe, and texts around the model's limit: below, at and above it, token by token and by far."""
    yield from _LINES
    yield " ".join(_LINES)
    for count in range(max(max_tokens - 6, 0), max_tokens + 3):
        yield " ".join(["a"] * count)
    yield _WORDS * max_tokens
    yield "long" * 4 * max_tokens
