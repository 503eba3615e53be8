"""Every Python example in docs/models.md runs, and prints what its comments say."""

import re
from pathlib import Path

import pytest

from worker.cli.app import app

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
EXAMPLES = re.findall(r"^### (.*?)\n\n```python\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_promise_to_code_has_an_example() -> None:
    titles = [title for title, _ in EXAMPLES]

    assert titles == ["Scores and logits", "Loss", "Hidden states and attentions", "Embeddings", "Save and load"]
    assert PAGE.count("```python") == len(EXAMPLES)


def test_the_examples_print_what_their_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    variables: dict[str, object] = {}
    for title, code in EXAMPLES:
        expected = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
        capsys.readouterr()
        exec(code, variables)

        assert capsys.readouterr().out.splitlines() == expected, title
        assert expected, title


@pytest.mark.parametrize("command", ["train", "evaluate", "classify"])
def test_every_flag_that_the_page_names_is_one(command: str) -> None:
    import typer.main

    flags = {
        option
        for name in ("train", "evaluate", "classify", "run")
        for parameter in typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]
        for option in parameter.opts
    }
    assert f"sentiment-worker {command}" in PAGE
    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", PAGE)) <= flags
