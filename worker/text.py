"""Words of sentences that people read."""


def counted(count: int, noun: str) -> str:
    """``1 text``, ``2 texts``, ``1,000 texts``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
