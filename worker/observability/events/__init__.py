"""Everything that happens in the worker and has a metric, or a line in the log: one class each."""

from worker.observability.events.delivery import (
    BatchNotWritten,
    OutputsWaitForGroup,
    OutputsWaitNoLonger,
    RecordsRefused,
    TopicNotWritable,
    TopicWritable,
)
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
from worker.observability.events.lifecycle import (
    Drained,
    ModelLoaded,
    PartitionsAssigned,
    PartitionsRegained,
    PartitionsRevoked,
    SessionLost,
    StopBegun,
    StopHangs,
    StoppedWhileLoading,
    WorkerReady,
)

__all__ = [
    "BatchClassified",
    "BatchNotWritten",
    "BatchSent",
    "DeadLettersDecided",
    "Drained",
    "FetchReceived",
    "ModelLoaded",
    "OffsetReset",
    "OutputsWaitForGroup",
    "OutputsWaitNoLonger",
    "PartitionGoesOn",
    "PartitionReadElsewhere",
    "PartitionStalled",
    "PartitionsAssigned",
    "PartitionsRegained",
    "PartitionsRevoked",
    "PollFailed",
    "RangeDelivered",
    "RecordsRefused",
    "SessionLost",
    "StopBegun",
    "StopHangs",
    "StoppedWhileLoading",
    "TopicMissed",
    "TopicNotWritable",
    "TopicWritable",
    "UnreadableRecordsFound",
    "WorkerReady",
]
