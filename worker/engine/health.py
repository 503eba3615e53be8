"""Decide whether a worker is ready and alive. Pure: given what is the case, it asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """The things that readiness depends on."""

    is_loaded: bool
    is_broken: bool = False
    is_draining: bool = False
    is_assigned: bool = False
    """Whether the group has given us partitions, or told us that there are none for us."""
    waits_for: Sequence[str] = ()
    """Reasons why intake does not know where partitions are read from."""
    is_session_fresh: bool = False
    """Whether the group's coordinator has confirmed lately that the partitions are ours."""
    positions_known: bool = False
    """Whether intake knows where each partition is read from."""


@dataclass(frozen=True, slots=True)
class Progress:
    """For how many seconds nothing got on, of what has to."""

    stalled_for: float
    """Of what is pending, and of each partition that is written to."""
    unconfirmed_for: float
    """Of the membership in the group."""
    loaded_for: float
    """Since the model is loaded: before, nothing was joined."""


def reasons_not_ready(state: State) -> list[str]:
    """List what keeps a worker from being ready, as ``/readyz`` shows it; empty once it is ready."""
    if not state.is_loaded:
        return ["model loading"]
    reasons = []
    if state.is_broken:
        reasons.append("broken")
    if state.is_draining:
        reasons.append("draining")
    if not state.is_assigned:
        return [*reasons, "no partitions assigned yet"]
    reasons += state.waits_for
    if not state.is_session_fresh:
        reasons.append("the group's coordinator does not answer")
    elif not state.waits_for and not state.positions_known:
        reasons.append("positions not known yet")
    return reasons


def gets_on(progress: Progress, stall_timeout: float) -> bool:
    """Return whether what is pending gets on and the group has the worker, within ``stall_timeout`` seconds."""
    return max(progress.stalled_for, min(progress.unconfirmed_for, progress.loaded_for)) < stall_timeout


def seconds_since(moment: float | None, now: float) -> float:
    """Return the seconds since a moment; 0 where there is none."""
    return 0.0 if moment is None else now - moment
