"""Choose the sample stream from a JSON-lines file of rated sentences.

python -m recipes.bundled.select_sample rated_sentences.dev.jsonl
"""

import gzip
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from worker.embedded import sample as shipped
from worker.embedded.sample import SAMPLE, RatedSentence

PER_DOMAIN = 310


def select(rows: Iterable[dict[str, Any]], per_domain: int) -> list[RatedSentence]:
    """Select ``per_domain`` sentences of each domain, evenly spread over the source so that no review prevails.

    Raises:
        ValueError: a domain has fewer than ``per_domain`` sentences.
    """
    domains: dict[str, list[RatedSentence]] = {}
    for row in rows:
        sentence = RatedSentence(row["id"], row["domain"], row["text"], row["rating"])
        domains.setdefault(sentence.domain, []).append(sentence)
    chosen: list[RatedSentence] = []
    for domain, sentences in sorted(domains.items()):
        if len(sentences) < per_domain:
            raise ValueError(f"{domain} has {len(sentences)} sentences, fewer than {per_domain}")
        chosen += (sentences[index * len(sentences) // per_domain] for index in range(per_domain))
    Random(0).shuffle(chosen)
    return chosen


def pack(sentences: Sequence[RatedSentence]) -> bytes:
    """Return the sample file; the same sentences result in the same bytes."""
    lines = [json.dumps(asdict(sentence), ensure_ascii=False) + "\n" for sentence in sentences]
    return gzip.compress("".join(lines).encode(), mtime=0)


if __name__ == "__main__":
    source = Path(sys.argv[1]).read_text(encoding="utf-8")
    sample = select((json.loads(line) for line in source.splitlines()), PER_DOMAIN)
    Path(shipped.__file__).with_name(SAMPLE).write_bytes(pack(sample))
