"""Phrases in sentences that people read."""


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 text``, ``2 texts``, ``1,000 texts``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
