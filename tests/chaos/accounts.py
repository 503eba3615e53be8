"""The outcome of every event: a pure function of the records in the three topics.

lost        an input without an output, a forwarded tombstone or a dead letter
repeated    an answer that was there before
disordered  the first output of an event behind the first output of a later event of the same key, in one partition
late        an output that a worker writes after another has taken over: see ``late.py``
wrong       an output that is not its input with the right verdict, or a dead letter with another reason than expected
strange     an answer to no event that is in the input topic
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson

from chaos.device import REVISION, code_of, scores_of
from chaos.events import OUTPUT, TOMBSTONE
from chaos.late import Answered, late_answers
from chaos.reader import Row

UNPARSABLE = "unparsable"
"""Expected of a record whose headers no client reads: a dead letter of any reason."""
TOLERANCE = 2e-6


@dataclass(slots=True)
class Account:
    """Counts of outcomes. Lists name events as ``key:sequence:expected``."""

    events: int = 0
    required: int = 0
    """Those of them that have to be answered."""
    answers: int = 0
    lost: list[str] = field(default_factory=list)
    repeated: int = 0
    most_copies: int = 0
    """Of one event."""
    disordered: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    split_keys: int = 0
    """Keys whose outputs are in more than one partition: partitions were added. No order holds between those."""
    dead_letters_expected: Counter[str] = field(default_factory=Counter)
    dead_letters_seen: Counter[str] = field(default_factory=Counter)
    """Each event once."""
    answered: list[Answered] = field(default_factory=list, repr=False)
    """Every output in the order of its partition."""

    @property
    def kept(self) -> bool:
        """Whether every strict promise was kept."""
        return not (self.lost or self.disordered or self.wrong or self.strange)


def account(
    topic: str,
    inputs: Iterable[Row],
    outputs: Iterable[Row],
    dead_letters: Iterable[Row],
    *,
    generation: int = 0,
    thaws: Mapping[str, Iterable[float]] | None = None,
    killed: Mapping[str, float] | None = None,
) -> Account:
    """Count what became of the events in a topic.

    Args:
        topic: the input topic's name, as verdicts repeat it.
        inputs: every record of it; so for the others. Each partition's rows come in offset order.
        generation: events before it need no answer: their topic, or that of their answers, is gone.
        thaws: worker -> when it went on after a freeze, seconds since the epoch.
        killed: worker -> when it ended without a clean stop.
    """
    result = Account()
    sent: dict[str, Row] = {}
    places: dict[tuple[int, int], str] = {}
    for row in inputs:
        identity = row.identity or f"?{row.partition}@{row.offset}:0:{UNPARSABLE}"
        sent[identity] = row
        places[row.partition, row.offset] = identity
    result.events = len(sent)
    copies: Counter[str] = Counter()
    # What a topic asked for that is gone is answered in vain; all else that nobody asked for is strange.
    latest = max((_generation(identity) for identity in sent if identity.startswith("g")), default=0)
    _outputs(topic, outputs, sent, latest, copies, result)
    _dead_letters(dead_letters, sent, places, latest, generation, copies, result)
    for identity in sent:
        expected = _expected(identity)
        if _generation(identity) < generation:
            continue
        result.required += 1
        if expected not in (OUTPUT, TOMBSTONE):
            result.dead_letters_expected[expected] += 1
        if not copies[identity]:
            result.lost.append(identity)
    result.answers = copies.total()
    result.repeated = sum(count - 1 for count in copies.values())
    result.most_copies = max(copies.values(), default=0)
    late = late_answers(result.answered, thaws or {}, killed or {})
    result.late = [answer.identity for answer in late]
    return result


def _outputs(
    topic: str,
    rows: Iterable[Row],
    sent: Mapping[str, Row],
    latest: int,
    copies: Counter[str],
    result: Account,
) -> None:
    highest: dict[tuple[int, str], int] = {}
    homes: defaultdict[str, set[int]] = defaultdict(set)
    seen: set[tuple[int, str]] = set()
    for row in rows:
        source = sent.get(row.identity)
        if source is None:
            if not row.identity or _generation(row.identity) >= latest:
                result.strange.append(row.identity or f"output {row.partition}@{row.offset}")
            continue
        copies[row.identity] += 1
        key, number, expected = row.identity.rsplit(":", 2)
        writer, made = "", 0.0
        if expected == TOMBSTONE:
            if row.value is not None or row.key != source.key:
                result.wrong.append(row.identity)
        elif expected != OUTPUT:
            result.wrong.append(row.identity)
        else:
            checked = _verdict(topic, source, row)
            if checked is None:
                result.wrong.append(row.identity)
            else:
                writer, made = checked
        result.answered.append(
            Answered(row.identity, row.partition, source.partition, source.offset, writer, made, source.timestamp_ms)
        )
        homes[key].add(row.partition)
        place = row.partition, key
        if (row.partition, row.identity) not in seen:
            seen.add((row.partition, row.identity))
            if int(number) < highest.get(place, 0) and copies[row.identity] == 1:
                result.disordered.append(row.identity)
        highest[place] = max(highest.get(place, 0), int(number))
    result.split_keys = sum(len(partitions) > 1 for partitions in homes.values())


def _dead_letters(
    rows: Iterable[Row],
    sent: Mapping[str, Row],
    places: Mapping[tuple[int, int], str],
    latest: int,
    generation: int,
    copies: Counter[str],
    result: Account,
) -> None:
    for row in rows:
        identity = row.identity or places.get((row.source_partition, row.source_offset), "")
        if identity not in sent:
            if not identity or _generation(identity) >= latest:
                result.strange.append(identity or f"dead letter {row.partition}@{row.offset}")
            continue
        copies[identity] += 1
        expected = _expected(identity)
        place = sent[identity].partition, sent[identity].offset
        misplaced = (row.source_partition, row.source_offset) != place
        if misplaced or row.reason != expected != UNPARSABLE or expected in (OUTPUT, TOMBSTONE):
            result.wrong.append(identity)
        if copies[identity] == 1 and _generation(identity) >= generation:
            result.dead_letters_seen[expected] += 1


def _verdict(topic: str, source: Row, row: Row) -> tuple[str, float] | None:
    """Return who made an output and when, in seconds since the epoch; None if it is wrong."""
    head = (source.value or b"")[:-1] + b","
    if row.key != source.key or row.value is None or not row.value.startswith(head):
        return None
    verdict = orjson.loads(b"{" + row.value[len(head) :])["sentiment"]
    if verdict["id"] != f"{topic}-{source.partition}-{source.offset}-{REVISION[:12]}":
        return None
    codes = np.array([code_of(orjson.loads(source.value or b"")["text"])])
    if not np.allclose([*verdict["scores"].values()], scores_of(codes)[0], rtol=0, atol=TOLERANCE):
        return None
    return verdict["model"]["name"], _seconds(verdict["processed_at"])


def _seconds(stamp: str) -> float:
    return float(np.datetime64(stamp.removesuffix("Z"), "ms").astype(np.int64)) / 1_000


def _expected(identity: str) -> str:
    return identity.rsplit(":", 1)[1]


def _generation(identity: str) -> int:
    """Return the number behind the ``g`` that every key begins with; a record that cannot be read counts always."""
    return int(identity[1 : identity.index("-")]) if identity.startswith("g") else 1_000_000
