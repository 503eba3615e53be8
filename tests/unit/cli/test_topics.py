"""``topics create`` says of each topic what became of it, then what went wrong."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from command_line import Run

from worker.cli.commands import topics
from worker.errors import Code

CODES = {"made": 0, "refused": 29, "wrong": 38, "late": 36}


def test_each_topic_has_a_line_that_is_true_and_the_error_comes_last(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    created = [{"name": name, "error_code": code, "error_message": None} for name, code in CODES.items()]
    admin = SimpleNamespace(
        describe_topics=lambda names: [{"name": name, "error_code": 0 if name == "old" else 3} for name in names],
        create_topics=lambda *_, **__: {"topics": created},
    )
    monkeypatch.setattr(topics, "_admin", lambda *_: nullcontext(admin))
    ran = run("topics", "create", "old", *CODES)
    assert (ran.code, ran.error) == (1, Code.NOT_AUTHORISED)
    assert ran.out.splitlines() == [
        "old is there already",
        "made made, 4 partitions",
        "refused not made",
        "wrong not made",
        "late is there already",
    ]
    assert "Kafka did not make wrong: 38" in ran.err
    assert "refused" in ran.err
