"""Everything that happens in the worker and has a metric, or a line in the log: one class each."""

from worker.observability.events.flow import (
    BatchClassified,
    BatchSent,
    DeadLettersDecided,
    FetchReceived,
    RangeDelivered,
)
from worker.observability.events.intake import (
    OffsetReset,
    PartitionGoesOn,
    PartitionReadElsewhere,
    PartitionStalled,
    PollFailed,
    TopicMissed,
    UnreadableRecordsFound,
)

__all__ = [
    "BatchClassified",
    "BatchSent",
    "DeadLettersDecided",
    "FetchReceived",
    "OffsetReset",
    "PartitionGoesOn",
    "PartitionReadElsewhere",
    "PartitionStalled",
    "PollFailed",
    "RangeDelivered",
    "TopicMissed",
    "UnreadableRecordsFound",
]
