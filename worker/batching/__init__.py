"""Which texts go to the device together, and when."""

from worker.batching.planner import Flush, Limits, Plan, plan
from worker.batching.window import Batch, Window

__all__ = ["Batch", "Flush", "Limits", "Plan", "Window", "plan"]
