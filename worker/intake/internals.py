"""Tables of the private parts of Faust 0.15 and aiokafka 0.14 that intake uses.

A contract test looks each of them up on real objects of the installed versions, and searches our own source for names
that are missing here. ``worker/delivery/internals.py`` is the same for delivery. The names that
``worker/diagnosis.py`` and ``worker/permissions.py`` use are also listed here.
"""

import asyncio

_CONSUMER = "faust.transport.drivers.aiokafka.Consumer"
_THREAD = "faust.transport.drivers.aiokafka.AIOKafkaConsumerThread"
_COORDINATOR = "aiokafka.consumer.group_coordinator.GroupCoordinator"
_STATE = "aiokafka.consumer.subscription_state"
_PROTOCOL = "aiokafka.protocol"

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
FETCH_RESULT = ("_assignment", "_partition_records", "_topic_partition")

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
    (_CONSUMER, "_should_commit", ("self", "tp", "offset")),
    (_CONSUMER, "on_stop", ("self",)),
    (_CONSUMER, "_filter_tps_with_pending_acks", ("self", "topics")),
    (_CONSUMER, "_new_consumer_thread", ("self",)),
    (_THREAD, "__init__", ("self", "consumer", "kwargs")),
    (_CONSUMER, "_commit", ("self", "offsets")),
    (_CONSUMER, "threadsafe_partitions_revoked", ("self", "receiver_loop", "revoked")),
    (_CONSUMER, "threadsafe_partitions_assigned", ("self", "receiver_loop", "assigned", "generation_id")),
    (_THREAD, "on_start", ("self",)),
    (_THREAD, "on_thread_stop", ("self",)),
    (_THREAD, "_start_thread", ("self",)),
    (_THREAD, "_crash", ("self", "reason")),
    (_THREAD, "_stopped_set", ("self",)),
    (_THREAD, "_create_worker_consumer", ("self", "transport")),
    (_THREAD, "_fetch_records", ("self", "consumer", "active_partitions", "timeout", "max_records")),
    (_COORDINATOR, "reset_generation", ("self",)),
    (_COORDINATOR, "_do_heartbeat", ("self",)),
    (_COORDINATOR, "_do_commit_offsets", ("self", "assignment", "offsets")),
    (_COORDINATOR, "_do_fetch_commit_offsets", ("self", "partitions")),
    (_COORDINATOR, "_send_req", ("self", "request")),
    ("faust.assignor.partition_assignor.PartitionAssignor", "on_assignment", ("self", "assignment")),
    # called
    ("aiokafka.AIOKafkaConsumer", "seek_to_committed", ("self", "partitions")),
    ("mode.threads.MethodQueue", "__init__", ("self", "num_workers", "kwargs")),
    ("faust.assignor.partition_assignor.PartitionAssignor", "_compress", ("raw",)),
    ("faust.assignor.partition_assignor.PartitionAssignor", "_decompress", ("compressed",)),
    (_COORDINATOR, "_get_metadata_snapshot", ("self",)),
    (_COORDINATOR, "fetch_committed_offsets", ("self", "partitions")),
    (_COORDINATOR, "coordinator_dead", ("self",)),
    ("aiokafka.client.AIOKafkaClient", "send", ("self", "node_id", "request", "group")),
    (f"{_STATE}.TopicPartitionState", "await_reset", ("self", "strategy")),
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
    # called by worker/connection.py, worker/diagnosis.py and worker/permissions.py
    (
        "aiokafka.conn",
        "create_conn",
        (
            *("host", "port", "client_id", "request_timeout_ms", "ssl_context", "security_protocol", "max_idle_ms"),
            *("on_close", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
            *("sasl_kerberos_service_name", "sasl_kerberos_domain_name", "sasl_oauth_token_provider"),
        ),
    ),
    ("aiokafka.conn", "get_ip_port_afi", ("host_and_port_str",)),
    ("aiokafka.conn.AIOKafkaConnection", "send", ("self", "request", "expect_response")),
    ("aiokafka.conn.AIOKafkaConnection", "close", ("self", "reason", "exc")),
    (f"{_PROTOCOL}.admin.SaslHandShakeRequest", "__init__", ("self", "mechanism")),
    (
        f"{_PROTOCOL}.admin.CreateTopicsRequest",
        "__init__",
        ("self", "create_topic_requests", "timeout", "validate_only"),
    ),
    (
        f"{_PROTOCOL}.fetch.FetchRequest",
        "__init__",
        ("self", "max_wait_time", "min_bytes", "max_bytes", "isolation_level", "topics", "rack_id"),
    ),
    (f"{_PROTOCOL}.group.HeartbeatRequest", "__init__", ("self", "group", "generation_id", "member_id")),
    (f"{_PROTOCOL}.metadata.MetadataRequest", "__init__", ("self", "topics", "allow_auto_topic_creation")),
    (
        f"{_PROTOCOL}.produce.ProduceRequest",
        "__init__",
        ("self", "transactional_id", "required_acks", "timeout", "topics"),
    ),
    (
        f"{_PROTOCOL}.transaction.InitProducerIdRequest",
        "__init__",
        ("self", "transactional_id", "transaction_timeout_ms"),
    ),
)

#: (class, attribute of its objects, type of the value).
ATTRIBUTES: tuple[tuple[str, str, type], ...] = (
    (_CONSUMER, "transport", object),
    (_CONSUMER, "_method_queue", object),
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
    (_THREAD, "_consumer", object),
    (_COORDINATOR, "_coordination_task", asyncio.Task),
    (_COORDINATOR, "_pending_exception", type(None)),
    ("aiokafka.AIOKafkaConsumer", "_auto_offset_reset", str),
    ("aiokafka.AIOKafkaConsumer", "_client", object),
    ("aiokafka.AIOKafkaConsumer", "_coordinator", object),
    (_COORDINATOR, "coordinator_id", object),
    (_COORDINATOR, "generation", int),
    (_COORDINATOR, "member_id", str),
    (_COORDINATOR, "group_id", str),
    (_COORDINATOR, "_group_instance_id", object),
    (_COORDINATOR, "_group_subscription", object),
    (_COORDINATOR, "_subscription", object),
    (_COORDINATOR, "_closing", object),
    (_COORDINATOR, "_metadata_snapshot", dict),
    ("faust.assignor.partition_assignor.PartitionAssignor", "_url", object),
    (f"{_STATE}.SubscriptionState", "subscription", object),
    (f"{_STATE}.Subscription", "assignment", object),
    (f"{_STATE}.Assignment", "tps", frozenset),
    (f"{_STATE}.TopicPartitionState", "has_valid_position", bool),
    (f"{_STATE}.TopicPartitionState", "position", int),
    (f"{_STATE}.TopicPartitionState", "lso", object),
    (f"{_STATE}.TopicPartitionState", "highwater", object),
)
