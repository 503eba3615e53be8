"""The topics between which a test's workers run."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of a worker's topics and group."""

    input: str
    output: str
    dead_letters: str
    group: str

    @classmethod
    def of(cls, prefix: str) -> Self:
        return cls(f"{prefix}-texts", f"{prefix}-sentiments", f"{prefix}-dead-letters", f"{prefix}-workers")

    @classmethod
    def new(cls) -> Self:
        """Return names that no other test uses."""
        return cls.of(uuid.uuid4().hex[:8])

    def settings(self, bootstrap: str, model: Path) -> dict[str, object]:
        """Settings of a worker between these topics that commits often and stops soon."""
        return {
            "bootstrap_servers": bootstrap,
            "input_topics": self.input,
            "output_topic": self.output,
            "dead_letter_topic": self.dead_letters,
            "group_id": self.group,
            "model": model,
            "commit_interval": 0.3,
            "session_timeout": 6,
            "drain_timeout": 10,
        }
