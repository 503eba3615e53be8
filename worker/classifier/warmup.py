"""Before a classifier is ready: a check that its scores can be trusted, and a run of the largest batches."""

import logging
from dataclasses import replace

import numpy as np

from worker.classifier.classifier import Classifier
from worker.classifier.labels import Floats
from worker.errors import Code, DeviceError, SettingError
from worker.tokens import Ids64, PaddedBatch

logger = logging.getLogger(__name__)

PROBES = ("Good.", "I had hoped for more, but the staff were kind and the food was warm.")
"""Two texts of different length that every classifier must be able to score."""

NEIGHBOUR_BOUND = {"fp32": 1e-4, "bf16": 2e-2, "fp16": 5e-3}
"""How much the scores of a text may differ, by precision, between alone and padded next to a longer one."""


def self_check(classifier: Classifier) -> Classifier:
    """Score the probes alone and together; if padding changes scores, return a classifier that does not pad.

    Raises:
        SettingError: the model fails on these texts, or its scores are not finite.
        DeviceError: the device has no memory left for them.
    """
    try:
        alone, together = _alone(classifier), classifier.scores(_together(classifier))
    except MemoryError:
        raise DeviceError(
            Code.OUT_OF_MEMORY, f"{classifier.device} has no memory left for the model {classifier.card.name}"
        ) from None
    except Exception as error:  # a model that needs other inputs than ids may raise anything
        raise SettingError(
            Code.MODEL_FAILED,
            f"the model {classifier.card.name} fails on a plain text ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}): choose another model",
        ) from error
    if not np.isfinite(alone).all():
        raise SettingError(
            Code.SCORES_NOT_FINITE,
            f"the model {classifier.card.name} returns scores that are not finite at precision={classifier.precision}: "
            "use precision=fp32, or another model",
        )
    if np.abs(alone - together).max() <= NEIGHBOUR_BOUND[classifier.precision]:  # false for NaN
        return classifier
    logger.warning(
        "padding changes the scores of model %s: only texts of equal length share a forward pass, which is slower",
        classifier.card.name,
    )
    return replace(classifier, pads=False)


def _alone(classifier: Classifier) -> Floats:
    return np.concatenate(
        [classifier.scores(PaddedBatch(ids[None], np.array([len(ids)], np.int32))) for ids in _probe_ids(classifier)]
    )


def _together(classifier: Classifier) -> PaddedBatch:
    rows = _probe_ids(classifier)
    lengths = np.array([len(ids) for ids in rows], np.int32)
    padded = np.full((len(rows), lengths.max()), classifier.pad_id, np.int64)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return PaddedBatch(padded, lengths)


def _probe_ids(classifier: Classifier) -> list[Ids64]:
    tokens = classifier.tokenizer.encode(PROBES)
    return np.split(tokens.ids.astype(np.int64), tokens.offsets[1:])


def warm_up(classifier: Classifier) -> Classifier:
    """Run the largest batches that the limits allow, so that memory and kernels are ready before the first text.

    Returns the classifier with a token limit that fits into the device's memory: it is halved until it does. On a
    CPU, where there is little to allocate or compile, one text of full length and a few short ones suffice.

    Raises:
        DeviceError: not even one text of the model's full length fits.
    """
    while not _fits(classifier, _shapes(classifier)):
        if classifier.batch_tokens <= classifier.max_tokens:
            raise DeviceError(
                Code.OUT_OF_MEMORY,
                f"{classifier.device} does not have enough memory for one text of {classifier.max_tokens} tokens "
                f"with the model {classifier.card.name}: use a smaller model, or another device",
            )
        fewer = max(classifier.batch_tokens // 2, classifier.max_tokens)
        classifier = replace(classifier, batch_tokens=fewer)
        logger.warning(
            "%s does not have enough memory for the largest batch: batches are limited to %d tokens",
            classifier.device,
            classifier.batch_tokens,
        )
    return classifier


def _shapes(classifier: Classifier) -> list[tuple[int, int]]:
    """Return (texts, width) of the batches to warm up with: the widest, and on an accelerator also the fullest."""
    longest = classifier.max_tokens
    if classifier.device == "cpu":
        return [(1, longest), (min(classifier.batch_size, 8), min(16, longest))]
    fullest = min(max(classifier.batch_tokens // classifier.batch_size, 1), longest)
    widest = min(max(classifier.batch_tokens // longest, 1), classifier.batch_size)
    return [(widest, longest), (min(classifier.batch_size, classifier.batch_tokens // fullest), fullest)]


def _fits(classifier: Classifier, shapes: list[tuple[int, int]]) -> bool:
    token = int(classifier.probe.ids[0, -1])
    try:
        for texts, width in shapes:
            lengths = np.full(texts, width, np.int32)
            lengths[:-1] -= width > 1  # so that a mask is needed, which takes more memory
            classifier.scores(PaddedBatch(np.full((texts, width), token, np.int64), lengths))
        return True
    except MemoryError:
        pass
    classifier.release_memory()  # here, where the exception no longer keeps the failed pass alive
    return False
