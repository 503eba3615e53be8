"""``classify --embed``: vectors in the place of verdicts."""

import json
from pathlib import Path

import numpy as np
from command_line import Run

from worker.classifier import embed, open_classifier
from worker.errors import Code


def test_each_text_gets_its_embedding_in_the_order_of_the_input(run: Run) -> None:
    texts = ["I love it, all of it.", "Meh."]
    ran = run("classify", "--embed", "--device", "cpu", "--precision", "fp32", *texts)

    lines = [json.loads(line) for line in ran.lines]
    assert ran.code == 0
    assert [(line["line"], line["text"]) for line in lines] == [(1, texts[0]), (2, texts[1])]
    expected = embed(open_classifier("bundled", device="cpu", precision="fp32"), texts)
    np.testing.assert_allclose([line["embedding"] for line in lines], expected, atol=1e-4)


def test_a_line_without_a_text_is_named_by_its_number_and_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"no": "secret"}\n{"text": "b"}\n')
    ran = run("classify", "--embed", "-f", "in.jsonl", "--device", "cpu")

    assert ran.code == 1
    assert [json.loads(line)["line"] for line in ran.lines] == [1, 3]
    assert "line 2: " in ran.err
    assert "secret" not in ran.out + ran.err


def test_a_format_beside_embed_is_refused(run: Run) -> None:
    assert run("classify", "--embed", "--format", "table", "a").error == Code.CONFLICTING_FLAGS
