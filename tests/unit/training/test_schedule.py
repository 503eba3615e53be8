"""How long a training is by default, and that what the user says goes before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.training.schedule import ENOUGH_STEPS, Plan, optimizer_steps, plan_of, warmup_of


@pytest.mark.parametrize(
    ("texts", "plan"),
    [
        pytest.param(26, Plan(25, 8, 8), id="a handful: small batches and many epochs"),
        pytest.param(10, Plan(30, 8, 10), id="ten: no more than 30 epochs"),
        pytest.param(180, Plan(5, 8, 3), id="few: small batches, and an epoch more"),
        pytest.param(450, Plan(4, 16, 3), id="some: batches half as large"),
        pytest.param(10_000, Plan(4, 32, 3), id="enough"),
    ],
)
def test_few_texts_get_small_batches_and_then_more_epochs(texts: int, plan: Plan) -> None:
    assert plan_of(texts) == plan


def test_what_is_given_is_kept_and_the_rest_follows() -> None:
    assert plan_of(26, epochs=1, batch_size=32, patience=1) == Plan(1, 32, 1)
    assert plan_of(26, epochs=4) == Plan(4, 8, 3)
    assert plan_of(26, batch_size=13) == Plan(30, 13, 10)
    assert plan_of(900, accumulate=4) == Plan(4, 8, 3)


@given(st.integers(25, 100_000))
def test_from_25_texts_on_the_defaults_give_enough_steps(texts: int) -> None:
    plan = plan_of(texts)
    assert optimizer_steps(texts, plan.epochs, plan.batch_size, 1) >= ENOUGH_STEPS


def test_the_warm_up_is_no_more_than_a_fifth_of_the_run() -> None:
    assert [warmup_of(steps, 150) for steps in (1, 4, 100, 10_000)] == [1, 1, 20, 150]
