"""Dynamic batching: which texts go to the device together, and when."""

from worker.batching.backlog import Backlog, Batch
from worker.batching.planner import Flush, Limits, Plan, plan

__all__ = ["Backlog", "Batch", "Flush", "Limits", "Plan", "plan"]
