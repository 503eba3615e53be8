"""What a classifier says of texts besides verdicts: logits, loss, hidden states, attentions and embeddings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from worker.classifier.classifier import Classifier
from worker.classifier.labels import Activation, Floats
from worker.tokens import Tokens

Labels = Sequence[str] | Sequence[int] | npt.NDArray[np.integer] | npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """A classifier's outputs on n texts, of which the longest has ``width`` tokens."""

    logits: Floats = field(repr=False)
    """float32 [n, labels], as the head gives them."""
    scores: Floats = field(repr=False)
    """float32 [n, labels]: softmax, sigmoid or the value itself, as the head is meant."""
    lengths: npt.NDArray[np.int32] = field(repr=False)
    """[n] tokens of each text, special tokens included."""
    truncated: npt.NDArray[np.bool_] = field(repr=False)
    """[n], whether the text was longer than the model reads."""
    loss: float | None = None
    """Mean over the texts, in nats; None without labels."""
    hidden_states: tuple[Floats, ...] | None = field(default=None, repr=False)
    """float32 [n, width, hidden] of the embeddings and then of each layer; 0 beyond a text's length.

    An encoder-decoder's are those of its encoder, and so are its attentions.
    """
    attentions: tuple[Floats, ...] | None = field(default=None, repr=False)
    """float32 [n, heads, width, width] of each layer, from token to token; 0 beyond a text's length."""


def outputs_of(
    classifier: Classifier,
    texts: Sequence[str],
    *,
    labels: Labels | None = None,
    hidden_states: bool = False,
    attentions: bool = False,
) -> Outputs:
    """Run n texts, at least one, in a single batch, so as many as the device's memory takes.

    ``labels`` give the loss. Softmax: n names or numbers of labels, or [n, labels] probabilities, and cross-entropy.
    Sigmoid: [n, labels] of 0..1, and binary cross-entropy averaged over the labels. Regression: [n] or [n, labels]
    values, and the squared error.

    Raises:
        ValueError: no texts, a text that is not Unicode, or labels that do not fit.
    """
    tokens = _tokens(classifier, texts)
    n, width = len(tokens), int(tokens.lengths.max())
    logits = np.empty((n, len(classifier.card.labels)), np.float32)
    hidden: list[Floats] = []
    attended: list[Floats] = []
    with torch.inference_mode(), _showing_attention(classifier, attentions):
        for rows in _batches(tokens, n, token_limit=None, pads=classifier.pads):
            batch = tokens.padded(rows, classifier.pad_id)
            output = classifier.forward(batch, output_hidden_states=hidden_states, output_attentions=attentions)
            logits[rows] = output.logits.float().cpu().numpy()
            inside = (np.arange(batch.ids.shape[1]) < batch.lengths[:, None]).astype(np.float32)
            for layer, state in enumerate(_states(output) if hidden_states else ()):
                if layer == len(hidden):
                    hidden.append(np.zeros((n, width, state.shape[-1]), np.float32))
                hidden[layer][rows, : inside.shape[1]] = state.float().cpu().numpy() * inside[:, :, None]
            for layer, state in enumerate(_attentions(output) if attentions else ()):
                if layer == len(attended):
                    attended.append(np.zeros((n, state.shape[1], width, width), np.float32))
                seen = inside[:, None, :, None] * inside[:, None, None, :]
                attended[layer][rows, :, : inside.shape[1], : inside.shape[1]] = state.float().cpu().numpy() * seen
        scores = classifier.activate(torch.from_numpy(logits)).numpy()
    return Outputs(
        logits=logits,
        scores=scores,
        lengths=tokens.lengths,
        truncated=tokens.truncated,
        loss=None if labels is None else _loss(classifier, logits, labels),
        hidden_states=tuple(hidden) if hidden_states else None,
        attentions=tuple(attended) if attentions else None,
    )


def embed(classifier: Classifier, texts: Sequence[str]) -> Floats:
    """float32 [n, hidden]: the mean of each text's last hidden states, special tokens included; any number of texts.

    Raises:
        ValueError: no texts, or a text that is not Unicode.
    """
    tokens = _tokens(classifier, texts)
    parts: list[tuple[npt.NDArray[np.int64], Floats]] = []
    with torch.inference_mode():
        for rows in _batches(tokens, classifier.batch_size, classifier.batch_tokens, pads=classifier.pads):
            batch = tokens.padded(rows, classifier.pad_id)
            last = _states(classifier.forward(batch, output_hidden_states=True))[-1].float()
            lengths = torch.from_numpy(batch.lengths).to(last.device)
            inside = torch.arange(last.shape[1], device=last.device) < lengths[:, None]
            parts.append((rows, ((last * inside[:, :, None]).sum(dim=1) / lengths[:, None]).cpu().numpy()))
    vectors = np.empty((len(tokens), parts[0][1].shape[1]), np.float32)
    for rows, part in parts:
        vectors[rows] = part
    return vectors


def _states(output: Any) -> Sequence[torch.Tensor]:
    """Hidden states of the part that reads the text: in an encoder-decoder (BART, T5) the encoder."""
    states: Sequence[torch.Tensor] = getattr(output, "encoder_hidden_states", None) or output.hidden_states
    return states


def _attentions(output: Any) -> Sequence[torch.Tensor]:
    states: Sequence[torch.Tensor] = getattr(output, "encoder_attentions", None) or output.attentions
    return states


def _tokens(classifier: Classifier, texts: Sequence[str]) -> Tokens:
    if isinstance(texts, str) or not len(texts):
        raise ValueError("give a list of one or more texts")
    tokens = classifier.tokenizer.encode(list(texts))
    if not tokens.lengths.all():
        raise ValueError("a text has no tokens: there is nothing to classify")
    return tokens


def _batches(tokens: Tokens, size: int, token_limit: int | None, *, pads: bool) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of like length, ``size`` at most, of no more than ``token_limit`` tokens when they are padded.

    Where padding would change the model's answers (not ``pads``), they are of equal length.
    """
    order = np.argsort(-tokens.lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(tokens.lengths[order[start]])
        room = size if token_limit is None else max(1, min(size, token_limit // longest))
        rows = order[start : start + room]
        if not pads:
            rows = rows[tokens.lengths[rows] == longest]
        yield rows
        start += len(rows)


def _loss(classifier: Classifier, logits: Floats, labels: Labels) -> float:
    given = torch.from_numpy(logits)
    names = classifier.card.labels
    if len(labels) != len(logits):
        raise ValueError(f"{len(labels)} labels for {len(logits)} texts")
    if isinstance(labels[0], str):
        unknown = sorted({str(label) for label in labels} - set(names))
        if unknown:
            raise ValueError(f"the model has no labels {', '.join(unknown)}: it has {', '.join(names)}")
        labels = [names.index(str(label)) for label in labels]
    targets = torch.as_tensor(np.asarray(labels))
    by_number = targets.ndim == 1
    if classifier.activation is Activation.IDENTITY:
        values = targets.float().reshape(len(logits), -1)
        if values.shape != given.shape:
            raise ValueError(f"the model gives {len(names)} values a text, and the labels are {values.shape[1]}")
        return float(functional.mse_loss(given, values))
    if by_number and classifier.activation is Activation.SOFTMAX:
        if targets.is_floating_point() or not bool(((targets >= 0) & (targets < len(names))).all()):
            raise ValueError(f"a label's number is from 0 to {len(names) - 1}")
        return float(functional.cross_entropy(given, targets.long()))
    if targets.shape != given.shape:
        raise ValueError(f"labels of shape {tuple(targets.shape)}, where [n, labels] is {tuple(given.shape)}")
    if classifier.activation is Activation.SIGMOID:
        return float(functional.binary_cross_entropy_with_logits(given, targets.float()))
    return float(functional.cross_entropy(given, targets.float()))


@contextmanager
def _showing_attention(classifier: Classifier, wanted: bool) -> Iterator[None]:
    """The fused kernels never have the attentions in memory; the plain implementation does."""
    usual = classifier.model.config._attn_implementation
    if not wanted or usual == "eager":
        yield
        return
    classifier.model.set_attn_implementation("eager")
    try:
        yield
    finally:
        classifier.model.set_attn_implementation(usual)
