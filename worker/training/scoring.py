"""Computing logits of texts, sorted by length and padded to a token budget, for dev scores and a teacher's labels."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.classifier.hardware import supported_precisions

Rows = list[list[int]]
#: ids (n, longest), and mask (n, longest) or None if nothing is padded, as `pad` returns them.
Batch = tuple[torch.Tensor, torch.Tensor | None]


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Return a context that computes in bfloat16 if the hardware supports it, else one that does nothing."""
    if "bf16" in supported_precisions(device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def encode(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> Rows:
    """Return the token ids of every text, special tokens included, truncated to ``max_tokens``."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_tokens, return_attention_mask=False)
    rows: Rows = encoded["input_ids"]
    return rows


def pad(rows: Rows, pad_id: int, device: torch.device) -> Batch:
    """Return ids (n, longest) and mask (n, longest), both int64; the mask is None if nothing needed padding."""
    lengths = np.array([len(row) for row in rows])
    width = int(lengths.max())
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    for target, row in zip(ids, rows, strict=True):
        target[: len(row)] = row
    mask = None
    if int(lengths.min()) < width:
        mask = torch.from_numpy((np.arange(width) < lengths[:, None]).astype(np.int64)).to(device)
    return torch.from_numpy(ids).to(device), mask


def by_length(rows: Rows, budget_tokens: int) -> Iterator[list[int]]:
    """Yield indices in batches of similar length whose padded size, longest times count, is within the budget."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * len(rows[index]) > budget_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def read_texts(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    keep: Callable[[list[int], Any, torch.Tensor | None], None],
    *,
    hidden: bool,
    max_tokens: int,
    budget_tokens: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Run the model over the texts; ``keep`` gets each batch's indices, its output, and its mask."""
    device = next(model.parameters()).device
    rows = encode(tokenizer, texts, max_tokens)
    was_training = model.training
    model.eval()
    done = 0
    with torch.inference_mode(), autocast(device):
        for batch in by_length(rows, budget_tokens):
            ids, mask = pad([rows[i] for i in batch], tokenizer.pad_token_id, device)
            keep(batch, model(input_ids=ids, attention_mask=mask, output_hidden_states=hidden), mask)
            done += len(batch)
            if progress is not None:
                progress(done, len(rows))
    model.train(was_training)


def logits_of(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    max_tokens: int = 256,
    budget_tokens: int = 4096,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Return the logits (n, outputs) of the texts, in their order. ``progress`` gets (texts done, total texts)."""
    logits = np.zeros((len(texts), model.config.num_labels), dtype=np.float32)

    def keep(batch: list[int], output: Any, _: torch.Tensor | None) -> None:
        logits[batch] = output.logits.float().cpu().numpy()

    read_texts(
        model,
        tokenizer,
        texts,
        keep,
        hidden=False,
        max_tokens=max_tokens,
        budget_tokens=budget_tokens,
        progress=progress,
    )
    return logits
