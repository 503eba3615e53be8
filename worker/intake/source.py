"""The source of a partition's records."""

from dataclasses import dataclass
from typing import Any

from worker.intake.added_partitions import with_count
from worker.intake.topic_ids import TopicId


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One reading of a partition: under one assignment, from one log. Each reading is a distinct object."""

    assignment: Any
    topic_id: TopicId | None
    partitions_at_first: int | None = None
    """How many partitions the topic had when the group began to read it."""

    def as_metadata(self) -> str:
        """Return the metadata to commit with an offset of this reading."""
        text = "" if self.topic_id is None else self.topic_id.as_metadata()
        return text if self.partitions_at_first is None else with_count(text, self.partitions_at_first)
