"""List in two tables the parts of aiokafka 0.14 that delivery uses and the documentation does not name.

A contract test looks each of them up, as for ``worker/intake/internals.py``.
"""

_CLIENT = "aiokafka.client.AIOKafkaClient"
_CLUSTER = "aiokafka.cluster.ClusterMetadata"
_BUILDER = "aiokafka.record.default_records.DefaultRecordBatchBuilder"
_REQUEST = "aiokafka.protocol.api.Request"

#: (class, method, parameters in order).
METHODS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # overridden
    (_REQUEST, "prepare", ("self", "versions")),
    (_REQUEST, "build", ("self", "request_struct_class")),
    # called
    (_CLIENT, "bootstrap", ("self",)),
    (_CLIENT, "close", ("self",)),
    (_CLIENT, "set_topics", ("self", "topics")),
    (_CLIENT, "get_random_node", ("self",)),
    (_CLIENT, "force_metadata_update", ("self",)),
    (_CLIENT, "send", ("self", "node_id", "request", "group")),
    (_CLIENT, "_wait_on_metadata", ("self", "topic")),
    (_CLUSTER, "leader_for_partition", ("self", "partition")),
    (_CLUSTER, "partitions_for_topic", ("self", "topic")),
    (
        "aiokafka.protocol.transaction.InitProducerIdRequest",
        "__init__",
        ("self", "transactional_id", "transaction_timeout_ms"),
    ),
)

#: (class, attribute of its objects, type of the value).
ATTRIBUTES: tuple[tuple[str, str, type], ...] = (
    (_CLIENT, "cluster", object),
    (_CLUSTER, "unauthorized_topics", set),
)

#: Fields in order of what a broker answers for one partition, from the protocol's version 8 on.
PRODUCE_RESPONSE = (
    *("partition", "error_code", "offset", "timestamp", "log_start_offset"),
    *("record_errors", "error_message"),
)
