"""Every backend of the registry keeps what the interface promises."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification
from unit.classifier.small_models import SHAPE

from worker.classifier.backends import Model
from worker.classifier.backends.conformance import CHECKS, Subject, check_out_of_memory
from worker.classifier.backends.registry import BACKENDS, DEFAULT
from worker.classifier.labels import Activation
from worker.settings import load_settings

LABELS = ("toxic", "insult", "threat")
TEXTS = ([7, 8, 9], [21, 22, 23, 24, 25, 26], [35, 9, 22, 40, 41, 42, 43, 44, 45, 46, 47])
INFINITE = [50, 51, 52, 53]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model whose first logit is infinite for one text, and finite for the others: a sigmoid makes a fine 1 of it."""
    folder: Path = tmp_path_factory.mktemp("overflowing")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=60, id2label=dict(enumerate(LABELS)), problem_type="multi_label_classification", **SHAPE
    )
    bert = BertForSequenceClassification(config).eval()
    with torch.inference_mode():
        for parameter in bert.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 2.0 * parameter.shape[1] ** -0.5)
        pooled = torch.cat([bert.bert(torch.tensor([ids])).pooler_output.double() for ids in (INFINITE, *TEXTS)])
        bert.classifier.weight[0] = 3.6e38 * pooled[0] / pooled[0].square().sum()
        assert bert.classifier(pooled.float())[:, 0].isfinite().tolist() == [False, True, True, True]
    bert.save_pretrained(folder)
    return Model("overflowing", folder, LABELS, Activation.SIGMOID)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_keeps_its_promises(name: str, check: Callable[[Subject], None], model: Model) -> None:
    if check is check_out_of_memory and sys.platform != "linux":
        pytest.skip("only Linux limits the memory of a process")
    load = BACKENDS[name](load_settings(device="cpu", precision="fp32"))
    check(Subject(load(model), len(LABELS), TEXTS, INFINITE))


def test_the_default_is_registered() -> None:
    assert DEFAULT in BACKENDS
