"""A classifier's outputs besides verdicts: logits, loss, hidden states, attentions and embeddings. Needs torch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from worker.classifier.backends.torch import TorchBackend
from worker.classifier.classifier import Classifier
from worker.classifier.labels import Activation, Floats
from worker.text import counted
from worker.tokens import Tokens

Labels = (
    Sequence[str]
    | Sequence[float]
    | Sequence[Sequence[float]]
    | npt.NDArray[np.integer]
    | npt.NDArray[np.floating]
    | npt.NDArray[np.bool_]
)

_SUM_TOLERANCE = 1e-3
"""Tolerance for the sum of a row of probabilities: 16-bit values are rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """A classifier's outputs on n texts, of which the longest has ``width`` tokens."""

    logits: Floats = field(repr=False)
    """float32 [n, labels], as the head returns them."""
    scores: Floats = field(repr=False)
    """float32 [n, labels]: softmax, sigmoid or the value itself, according to the head."""
    lengths: npt.NDArray[np.int32] = field(repr=False)
    """[n] tokens of each text, special tokens included."""
    truncated: npt.NDArray[np.bool_] = field(repr=False)
    """[n], whether the text was longer than the model's limit."""
    loss: float | None = None
    """Mean over the texts, in nats; None without labels."""
    hidden_states: tuple[Floats, ...] | None = field(default=None, repr=False)
    """float32 [n, width, hidden] of the embeddings and then of each layer; 0 beyond a text's length.

    For an encoder-decoder, hidden states and attentions are those of its encoder.
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
    """Run n texts, at least one, in a single batch, which must fit into the device's memory.

    With ``labels`` the loss is computed. Softmax: n names or numbers of labels, or [n, labels] probabilities, each row
    summing to 1 (within 0.001), and cross-entropy. Sigmoid: [n, labels] of 0..1, and binary cross-entropy averaged
    over the labels. Regression: [n] or [n, labels] finite values, and the squared error.

    Raises:
        TypeError: a text is not a string, or the classifier does not run on torch.
        ValueError: no texts, a text that is not Unicode or has no tokens, or labels that do not fit.
    """
    backend = torch_backend(classifier)
    tokens = _tokens(classifier, texts)
    targets = None if labels is None else _targets(classifier, labels, len(tokens))
    n, width = len(tokens), int(tokens.lengths.max())
    logits = np.empty((n, len(classifier.card.labels)), np.float32)
    hidden: list[Floats] = []
    attended: list[Floats] = []
    with torch.inference_mode(), _showing_attention(backend.model, attentions):
        for rows in tokens.by_length(n, token_limit=None, equal=not classifier.pads):
            batch = tokens.padded(rows, classifier.pad_id)
            output = backend.forward(batch, output_hidden_states=hidden_states, output_attentions=attentions)
            logits[rows] = output.logits.float().cpu().numpy()
            inside = (np.arange(batch.ids.shape[1]) < batch.lengths[:, None]).astype(np.float32)
            for layer, state in enumerate(_of_reader(output, "hidden_states") if hidden_states else ()):
                if layer == len(hidden):
                    hidden.append(np.zeros((n, width, state.shape[-1]), np.float32))
                hidden[layer][rows, : inside.shape[1]] = state.float().cpu().numpy() * inside[:, :, None]
            for layer, state in enumerate(_of_reader(output, "attentions") if attentions else ()):
                if layer == len(attended):
                    attended.append(np.zeros((n, state.shape[1], width, width), np.float32))
                seen = inside[:, None, :, None] * inside[:, None, None, :]
                attended[layer][rows, :, : inside.shape[1], : inside.shape[1]] = state.float().cpu().numpy() * seen
        scores = backend.activate(torch.from_numpy(logits)).numpy()
    return Outputs(
        logits=logits,
        scores=scores,
        lengths=tokens.lengths,
        truncated=tokens.truncated,
        loss=None if targets is None else _loss(classifier.activation, torch.from_numpy(logits), targets),
        hidden_states=tuple(hidden) if hidden_states else None,
        attentions=tuple(attended) if attentions else None,
    )


def embed(classifier: Classifier, texts: Sequence[str]) -> Floats:
    """Return embeddings, float32 [n, hidden], of any number of texts: the mean of each text's last hidden states.

    Raises:
        TypeError: a text is not a string, or the classifier does not run on torch.
        ValueError: no texts, or a text that is not Unicode or has no tokens.
    """
    return embed_tokens(classifier, _tokens(classifier, texts))


def embed_tokens(classifier: Classifier, tokens: Tokens) -> Floats:
    """As ``embed``, of texts that are tokenised; each has a token at least.

    Raises:
        TypeError: a classifier that does not run on torch.
    """
    backend = torch_backend(classifier)
    parts: list[tuple[npt.NDArray[np.int64], Floats]] = []
    with torch.inference_mode():
        for rows in tokens.by_length(classifier.batch_size, classifier.batch_tokens, equal=not classifier.pads):
            batch = tokens.padded(rows, classifier.pad_id)
            last = _of_reader(backend.forward(batch, output_hidden_states=True), "hidden_states")[-1].float()
            lengths = torch.from_numpy(batch.lengths).to(last.device)
            inside = torch.arange(last.shape[1], device=last.device) < lengths[:, None]
            parts.append((rows, ((last * inside[:, :, None]).sum(dim=1) / lengths[:, None]).cpu().numpy()))
    vectors = np.empty((len(tokens), parts[0][1].shape[1]), np.float32)
    for rows, part in parts:
        vectors[rows] = part
    return vectors


def torch_backend(classifier: Classifier) -> TorchBackend:
    """Return the classifier's torch backend, the only one with outputs besides scores.

    Raises:
        TypeError: the classifier has another backend.
    """
    backend = classifier.backend
    if not isinstance(backend, TorchBackend):
        raise TypeError(f"this output needs the torch backend, but the classifier runs on {type(backend).__name__}")
    return backend


def _of_reader(output: Any, name: str) -> Sequence[torch.Tensor]:
    """Return ``hidden_states`` or ``attentions``; of an encoder-decoder (BART, T5) those of the encoder."""
    layers: Sequence[torch.Tensor] = getattr(output, f"encoder_{name}", None) or getattr(output, name)
    return layers


def _tokens(classifier: Classifier, texts: Sequence[str]) -> Tokens:
    """Tokenise the texts; an error names a text by its index, since texts are never quoted."""
    given = [] if isinstance(texts, str | bytes) else list(texts)
    if not given:
        raise ValueError("give a list of one or more texts")
    for place, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"texts[{place}] is not a string: its type is {type(text).__name__}")
        if not _is_unicode(text):
            raise ValueError(f"texts[{place}] holds a lone surrogate, which is half a character")
    tokens = classifier.tokenizer.encode(given)
    if not tokens.lengths.all():
        raise ValueError(f"texts[{int(tokens.lengths.argmin())}] has no tokens: there is nothing to classify")
    return tokens


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _targets(classifier: Classifier, labels: Labels, n: int) -> torch.Tensor:
    """Return the ``labels`` of n texts as the head's loss expects them: int64 [n], or float32 [n, labels].

    Raises:
        ValueError: they do not fit the texts or the model; the message says what would.
    """
    names = classifier.card.labels
    activation = classifier.activation
    if isinstance(labels, str | bytes) or not hasattr(labels, "__len__") or getattr(labels, "shape", None) == ():
        raise ValueError("give a list of labels, one for each text")
    if len(labels) != n:
        raise ValueError(f"{counted(len(labels), 'label')} for {counted(n, 'text')}")
    if activation is Activation.SOFTMAX and any(isinstance(label, str) for label in labels):
        return torch.tensor(_numbers_of(labels, names))
    values = _array(labels)
    shape = (n, len(names))
    if activation is Activation.SOFTMAX and values.ndim == 1:
        if values.dtype.kind not in "iu" or any(isinstance(label, bool | np.bool_) for label in labels):
            raise ValueError(f"a label's number must be an integer from 0 to {len(names) - 1}")
        if not ((values >= 0) & (values < len(names))).all():
            raise ValueError(f"a label's number must be from 0 to {len(names) - 1}")
        return torch.from_numpy(values.astype(np.int64))
    if activation is Activation.IDENTITY and values.ndim == 1 and len(names) == 1:
        values = values.reshape(shape)
    if values.shape != shape:
        raise ValueError(f"labels have the shape {values.shape}, but [n, labels] is {shape}")
    targets = values.astype(np.float64)
    _check_rows(activation, targets)
    return torch.from_numpy(targets.astype(np.float32))


def _numbers_of(labels: Labels, names: Sequence[str]) -> list[int]:
    """Return the index of each label's name."""
    if not all(isinstance(label, str) for label in labels):
        raise ValueError("labels must be all names or all numbers")
    given = [str(label) for label in labels]
    if unknown := sorted(set(given) - set(names)):
        raise ValueError(f"the model does not have {', '.join(unknown)} among its labels: it has {', '.join(names)}")
    return [names.index(label) for label in given]


def _array(labels: Labels) -> npt.NDArray[Any]:
    """Return numeric labels as an array."""
    try:
        values = np.asarray(labels)
    except ValueError:  # rows of different lengths
        values = np.empty(0, object)
    if values.dtype.kind not in "iufb":
        raise ValueError("labels must be a list of numbers, or of rows with one number for each of the model's labels")
    return values


def _check_rows(activation: Activation, targets: npt.NDArray[np.float64]) -> None:
    """Raise ValueError for the first of the rows [n, labels] for which the head's loss would be meaningless."""
    fine = np.isfinite(targets).all(axis=1)
    what = "finite numbers"
    if activation is not Activation.IDENTITY:
        fine &= ((targets >= 0) & (targets <= 1)).all(axis=1)
        what = "numbers from 0 to 1"
    if activation is Activation.SOFTMAX:
        fine &= np.abs(targets.sum(axis=1) - 1) <= _SUM_TOLERANCE
        what = "probabilities, which are from 0 to 1 and sum to 1: divide votes by their sum"
    if not fine.all():
        raise ValueError(f"labels[{int(fine.argmin())}] is not a row of {what}")


def _loss(activation: Activation, logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Return the mean over the texts: in nats, or the squared error for values."""
    if activation is Activation.IDENTITY:
        return float(functional.mse_loss(logits, targets))
    if activation is Activation.SIGMOID:
        return float(functional.binary_cross_entropy_with_logits(logits, targets))
    return float(functional.cross_entropy(logits, targets))


@contextmanager
def _showing_attention(model: PreTrainedModel, wanted: bool) -> Iterator[None]:
    """Switch to eager attention while attentions are wanted: the fused kernels never materialise them."""
    usual = model.config._attn_implementation
    if not wanted or usual == "eager":
        yield
        return
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)
