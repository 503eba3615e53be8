"""What intake uses of Faust 0.15 and aiokafka 0.14 although it is not public, in tables.

A contract test looks each of them up on real objects of the installed versions, and our own source for names that are
missing here. ``worker/delivery/internals.py`` has the same for delivery.
"""

_CONSUMER = "faust.transport.drivers.aiokafka.Consumer"
_THREAD = "faust.transport.drivers.aiokafka.AIOKafkaConsumerThread"
_STATE = "aiokafka.consumer.subscription_state"

#: (class of aiokafka.consumer.fetcher that one of ours stands in for, its method, parameters in order).
REPLACED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "PartitionRecords",
        "__init__",
        (
            *("self", "tp", "records", "aborted_transactions", "fetch_offset"),
            *("key_deserializer", "value_deserializer", "check_crcs", "isolation_level"),
        ),
    ),
    ("FetchResult", "__init__", ("self", "tp", "assignment", "partition_records", "backoff")),
    ("FetchResult", "getall", ("self", "max_records")),
    ("FetchResult", "check_assignment", ("self", "tp")),
    ("FetchResult", "_update_position", ("self",)),
)
#: Attributes of aiokafka's FetchResult that ours uses.
FETCH_RESULT = ("_partition_records", "_topic_partition")

#: (class, method, parameters in order).
METHODS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # overridden
    (_CONSUMER, "getmany", ("self", "timeout")),
    (_CONSUMER, "wait_empty", ("self",)),
    (_CONSUMER, "resume_flow", ("self",)),
    (_CONSUMER, "on_buffer_full", ("self", "tp")),
    (_CONSUMER, "on_buffer_drop", ("self", "tp")),
    (_CONSUMER, "perform_seek", ("self",)),
    (_CONSUMER, "_new_offset", ("self", "tp")),
    (_CONSUMER, "_filter_tps_with_pending_acks", ("self", "topics")),
    (_CONSUMER, "_new_consumer_thread", ("self",)),
    (_THREAD, "__init__", ("self", "consumer", "kwargs")),
    (_THREAD, "_create_worker_consumer", ("self", "transport")),
    (_THREAD, "_fetch_records", ("self", "consumer", "active_partitions", "timeout", "max_records")),
    # called
    (_CONSUMER, "_wait_next_records", ("self", "timeout")),
    (_CONSUMER, "maybe_wait_for_commit_to_finish", ("self",)),
    (_CONSUMER, "_to_message", ("self", "tp", "record")),
    (_CONSUMER, "assignment", ("self",)),
    (_CONSUMER, "highwater", ("self", "tp")),
    (_THREAD, "_ensure_consumer", ("self",)),
    (_THREAD, "call_thread", ("self", "fun", "args", "kwargs")),
    (
        "faust.types.Message",
        "__init__",
        (
            *("self", "topic", "partition", "offset", "timestamp", "timestamp_type", "headers", "key", "value"),
            *("checksum", "serialized_key_size", "serialized_value_size", "tp", "time_in", "time_out", "time_total"),
            "generation_id",
        ),
    ),
    ("faust.sensors.monitor.Monitor", "track_tp_end_offset", ("self", "tp", "offset")),
    (f"{_STATE}.Assignment", "state_value", ("self", "tp")),
)

#: (class, attribute of its objects, type of the value).
ATTRIBUTES: tuple[tuple[str, str, type], ...] = (
    (_CONSUMER, "transport", object),
    (_CONSUMER, "_thread", object),
    (_CONSUMER, "flow_active", bool),
    (_CONSUMER, "_buffered_partitions", set),
    (_CONSUMER, "_committed_offset", dict),
    (_CONSUMER, "_read_offset", dict),
    ("faust.transport.drivers.aiokafka.Transport", "Consumer", type),
    ("faust.app.base.App", "consumer_generation_id", int),
    ("faust.app.base.App", "monitor", object),
    ("aiokafka.AIOKafkaConsumer", "_isolation_level", str),
    ("aiokafka.AIOKafkaConsumer", "_subscription", object),
    (f"{_STATE}.SubscriptionState", "subscription", object),
    (f"{_STATE}.Subscription", "assignment", object),
    (f"{_STATE}.Assignment", "tps", frozenset),
    (f"{_STATE}.TopicPartitionState", "has_valid_position", bool),
    (f"{_STATE}.TopicPartitionState", "position", int),
)
