"""Faust's assignor takes an assignment that names the address that a member had before its restart."""

from typing import Any

import faust
from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.metadata import MetadataResponse_v1
from event_loop import in_a_loop
from unit.intake.scene import TEXTS

from worker.intake.static_member import Assignor


def app(url: str) -> Any:
    return faust.App("assigned", broker="kafka://nowhere", canonical_url=url, PartitionAssignor=Assignor)


@in_a_loop
async def test_an_assignment_made_for_a_former_address_is_taken_under_the_present_one() -> None:
    former, present = app("http://there:6066"), app("http://here:7077")
    cluster = ClusterMetadata()
    topics = [(0, "texts", False, [(0, number, 1, [1], [1]) for number in range(2)])]
    cluster.update_metadata(MetadataResponse_v1([(1, "host", 9092, None)], 1, topics))
    member = "member"
    assignments = former.assignor.assign(cluster, {member: former.assignor.metadata({"texts"})})
    present.assignor.on_assignment(assignments[member])
    assert present.assignor.external_topic_distribution == {"http://here:7077": {"texts": [0, 1]}}
    assert TEXTS in present.assignor.assigned_actives()
