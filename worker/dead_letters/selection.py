"""Which dead letters a command is about. Pure."""

from dataclasses import dataclass, field

from worker.dead_letters.letter import DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters that have one of each kind of property that is named; where none is, any will do."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    """Topics that the events were read from."""
    partitions: frozenset[int] = frozenset()
    """Partitions of them."""
    keys: frozenset[bytes] = field(default=frozenset(), repr=False)

    def __contains__(self, letter: object) -> bool:
        return (
            isinstance(letter, DeadLetter)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic in self.topics)
            and (not self.partitions or letter.source_partition in self.partitions)
            and (not self.keys or letter.event_key in self.keys)
        )
