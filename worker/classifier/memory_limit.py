"""How many tokens of a batch fit into the device's memory: decided from outcomes alone, without device or clock.

Out of memory can mean that a batch is too large, or that one of its texts needs more than any other. Only the former
may lower the limit, so parts of a failed batch are compared (``Shortage``). And memory that another process took may
become free, so the limit is raised again after some successful batches (``MemoryLimit``).
"""

from dataclasses import dataclass

#: Successful batches before the limit is doubled; the number itself doubles each time that this was too much.
FIRST_PATIENCE = 4
MAX_PATIENCE = 64


@dataclass(frozen=True, slots=True)
class Part:
    """Adjacent rows of a batch that ran together."""

    start: int
    stop: int
    tokens: int
    """Padded tokens: width times rows."""

    def __contains__(self, other: "Part") -> bool:
        return self.start <= other.start and other.stop <= self.stop


class Shortage:
    """Conclusions about the memory from the parts of one batch: first the whole, then its halves.

    A part fails because of one text, not because of its size, if that text fails alone or if another part of the
    batch, at least as large, fitted. Otherwise it is too large.
    """

    def __init__(self) -> None:
        self.fitted = 0
        """Tokens of the largest part that fitted."""
        self._too_large: list[Part] = []

    def fits(self, part: Part) -> None:
        """Record a part that fitted into memory."""
        if part.tokens > self.fitted:
            self.fitted = part.tokens
            for failed in [failed for failed in self._too_large if failed.tokens <= self.fitted]:
                self._blame_a_text_of(failed)

    def fails(self, part: Part) -> None:
        """Record a part that did not fit into memory."""
        if part.stop - part.start == 1 or part.tokens <= self.fitted:
            self._blame_a_text_of(part)
        else:
            self._too_large.append(part)

    def _blame_a_text_of(self, part: Part) -> None:
        self._too_large = [failed for failed in self._too_large if part not in failed]

    def worth_a_try(self, tokens: int) -> bool:
        """Return whether a part of this size may fit: no two disjoint parts of at most this size have failed."""
        smallest = self.too_large
        if smallest is None or tokens < smallest.tokens:
            return True
        return all(smallest in failed for failed in self._too_large if failed.tokens <= tokens)

    @property
    def too_large(self) -> Part | None:
        """Return the smallest part that failed because of its size."""
        return min(self._too_large, key=lambda part: part.tokens, default=None)


class MemoryLimit:
    """The limit of a batch in padded tokens: lowered to what fitted, raised step by step up to the configured limit."""

    def __init__(self, configured: int) -> None:
        self.configured = configured
        self.tokens = configured
        """Padded tokens that a batch may have now."""
        self._patience = FIRST_PATIENCE
        self._good = 0
        self._failed_at: int | None = None

    @property
    def short(self) -> bool:
        """Whether a batch failed because of its size, and none of that size has fitted under the full limit since."""
        return self._failed_at is not None

    def after(self, shortage: Shortage) -> None:
        """Adjust the limit to the conclusions from a batch."""
        if (part := shortage.too_large) is not None:
            if self._failed_at is not None:
                self._patience = min(2 * self._patience, MAX_PATIENCE)
            self._failed_at = part.tokens
            self.tokens = min(self.tokens, shortage.fitted) or self.tokens
            self._good = 0
            return
        if self._failed_at is None:
            return
        if shortage.fitted >= self._failed_at:  # there is more memory now
            self._patience = FIRST_PATIENCE
            self._failed_at = None if self.tokens == self.configured else self._failed_at
        self._good += 1
        if self.tokens < self.configured and self._good >= self._patience:
            self.tokens = min(2 * self.tokens, self.configured)
            self._good = 0
