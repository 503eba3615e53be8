"""How many tokens a batch may have for the device's memory: decided from outcomes alone, without device or clock.

Out of memory can mean that a batch is too large, or that one text of it asks for more than any other. Only the first
may lower the limit, so parts of a failed batch are compared (``Shortage``). And memory that another process took comes
back, so the limit is raised again after some batches that went well (``MemoryLimit``).
"""

from dataclasses import dataclass

#: Batches that must go well before the limit is doubled; twice as many after each time that this was too much.
FIRST_PATIENCE = 4
MAX_PATIENCE = 64


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring rows of a batch that ran together."""

    start: int
    stop: int
    tokens: int
    """Padded tokens: width times rows."""

    def __contains__(self, other: "Part") -> bool:
        return self.start <= other.start and other.stop <= self.stop


class Shortage:
    """Conclusions about the memory from the parts of one batch, halves coming after the whole.

    A part fails because of one text, and not because of its size, where that text fails alone or another part of the
    batch, at least as large, fitted. What remains is too large.
    """

    def __init__(self) -> None:
        self.fitted = 0
        """Tokens of the largest part that fitted."""
        self._too_large: list[Part] = []

    def fits(self, part: Part) -> None:
        """Note a part for which the memory sufficed."""
        if part.tokens > self.fitted:
            self.fitted = part.tokens
            for failed in [failed for failed in self._too_large if failed.tokens <= self.fitted]:
                self._blame_a_text_of(failed)

    def fails(self, part: Part) -> None:
        """Note a part for which the memory did not suffice."""
        if part.stop - part.start == 1 or part.tokens <= self.fitted:
            self._blame_a_text_of(part)
        else:
            self._too_large.append(part)

    def _blame_a_text_of(self, part: Part) -> None:
        self._too_large = [failed for failed in self._too_large if part not in failed]

    def worth_a_try(self, tokens: int) -> bool:
        """Return whether a part of this size may fit: no two parts without a text in common failed at it or below."""
        smallest = self.too_large
        if smallest is None or tokens < smallest.tokens:
            return True
        return all(smallest in failed for failed in self._too_large if failed.tokens <= tokens)

    @property
    def too_large(self) -> Part | None:
        """The smallest part that failed for its size."""
        return min(self._too_large, key=lambda part: part.tokens, default=None)


class MemoryLimit:
    """The limit of a batch in padded tokens: lowered to what fitted, raised step by step up to what is configured."""

    def __init__(self, configured: int) -> None:
        self.configured = configured
        self.tokens = configured
        """Padded tokens that a batch may have now."""
        self._patience = FIRST_PATIENCE
        self._good = 0
        self._failed_at: int | None = None

    @property
    def short(self) -> bool:
        """Whether a batch failed for its size, and none of that size has fitted under the full limit since."""
        return self._failed_at is not None

    def after(self, shortage: Shortage) -> None:
        """Take in what a batch has shown."""
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
