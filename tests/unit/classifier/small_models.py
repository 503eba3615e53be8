"""Small models of the architectures that people have, made from a config and a tokenizer trained on a few lines.

Their weights are random and large, so that scores differ between texts and every mistake in masks, positions, padding
or truncation shows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from worker.classifier.classifier import Classifier
from worker.tokens import PaddedBatch, Tokens

LINES = (
    "The film was wonderful, and the actors were brilliant.",
    "I didn't like it at all: slow, loud and far too long!",
    "An average phone. It works, it's 3 years old; nothing more.",
    "Great value for 19.99 — would buy again",
    "Terrible service, we'll never come back to this café.",
    "Das Essen war ausgezeichnet, die Bedienung leider unfreundlich.",
    "Très déçu par ce produit, la qualité n'est pas au rendez-vous.",
    "El hotel estaba limpio y el personal fue muy amable.",
    "De levering duurde veel te lang, maar het product is prima.",
    "La pizza era fredda e il cameriere scortese.",
    "Это замечательный фильм, советую всем.",
    "这部电影非常好看 映画はとても面白かった",
    "soooo goooood 😀👍🏽 #happy @friend https://example.com/a?b=c",
)

TEXTS = (
    *LINES,
    "ok",
    "GREAT!!! GREAT!!! GREAT!!!",
    "naïve Zürich İstanbul ǅ ﬁ",
    "tab\tand\nnewline and \x00 control",
    " ".join(LINES) * 1,
    "a rather long review, on and on. " * 12,
    "this one is longer than any model here can read, so its end is cut off. " * 60,
)
"""Short and long, over 512 tokens too."""

STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
}
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def wordpiece(*, lowercase: bool = True) -> Tokenizer:
    """As BERT's: multilingual lines, so a multilingual vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=BERT_SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_bpe(*, special_tokens: Sequence[str] = ROBERTA_SPECIALS, around: bool = True) -> Tokenizer:
    """As RoBERTa's or, without special tokens ``around`` a text, GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    if around:
        tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def unigram() -> Tokenizer:
    """As XLM-RoBERTa's: of a kind that only Hugging Face's own library knows."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=ROBERTA_SPECIALS, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def as_bert(tokenizer: Tokenizer, **stated: Any) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
        **stated,
    )  # fmt: skip


def as_roberta(tokenizer: Tokenizer, **stated: Any) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
        **stated,
    )  # fmt: skip


def labelled(*labels: str) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def distilbert(folder: Path, **config: Any) -> None:
    tokenizer = as_bert(wordpiece(), model_max_length=512)
    shape = {"dim": 32, "hidden_dim": 64, "n_heads": 4, "n_layers": 2} | config
    save(folder, DistilBertForSequenceClassification(DistilBertConfig(vocab_size=len(tokenizer), **shape)), tokenizer)


def bert(folder: Path, save_options: dict[str, Any] | None = None, **config: Any) -> None:
    tokenizer = as_bert(wordpiece(), model_max_length=512)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2} | config
    model = BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), **shape))
    save(folder, model, tokenizer, **save_options or {})


def roberta(folder: Path) -> None:
    """514 positions, of which a text can have 512; the tokenizer states no maximum length."""
    tokenizer = as_roberta(byte_bpe())
    config = RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=514, type_vocab_size=1,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, **SHAPE, **labelled("negative", "neutral", "positive"),
    )  # fmt: skip
    save(folder, RobertaForSequenceClassification(config), tokenizer)


def xlm_roberta(folder: Path) -> None:
    tokenizer = as_roberta(unigram(), model_max_length=512)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=514, type_vocab_size=1,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, **SHAPE, **labelled("negative", "neutral", "positive"),
    )  # fmt: skip
    save(folder, XLMRobertaForSequenceClassification(config), tokenizer)


def bart(folder: Path) -> None:
    """An encoder and a decoder; its scores are made of the vector at the one end of text that a row has."""
    tokenizer = as_roberta(byte_bpe(), model_max_length=512)
    config = BartConfig(
        vocab_size=len(tokenizer), max_position_embeddings=512, d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2,
        **labelled("negative", "neutral", "positive"),
    )  # fmt: skip
    save(folder, BartForSequenceClassification(config), tokenizer)


def gpt2(folder: Path, *, pad_token_id: int | None = None) -> None:
    """No token to pad with, in the model or in the tokenizer, unless one is given."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_bpe(special_tokens=["<|endoftext|>"], around=False),
        bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>",
        pad_token=None if pad_token_id is None else "<|endoftext|>",
    )  # fmt: skip
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=512, n_embd=32, n_layer=2, n_head=4,
        bos_token_id=0, eos_token_id=0, pad_token_id=pad_token_id, **labelled("LABEL_0", "LABEL_1"),
    )  # fmt: skip
    save(folder, GPT2ForSequenceClassification(config), tokenizer)


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, **options: Any) -> None:
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 2.0 * parameter.shape[1] ** -0.5)
    model.save_pretrained(folder, **options)
    tokenizer.save_pretrained(folder)


def sharded(folder: Path) -> None:
    bert(folder, {"max_shard_size": "20KB"}, **labelled(*STARS))


def stored_as(dtype: torch.dtype) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        bert(folder, **labelled(*STARS))
        model = BertForSequenceClassification.from_pretrained(folder, dtype=dtype)
        model.save_pretrained(folder)

    return build


MODELS: dict[str, Callable[[Path], None]] = {
    "DistilBERT with NEGATIVE and POSITIVE": lambda to: distilbert(to, **labelled("NEGATIVE", "POSITIVE")),
    "multilingual BERT with 1 to 5 stars": lambda to: bert(to, **labelled(*STARS)),
    "a custom head of ten labels": lambda to: distilbert(to, num_labels=10),
    "a custom config": lambda to: distilbert(to, n_heads=8, dim=512, hidden_dim=2048, n_layers=1),
    "RoBERTa": roberta,
    "XLM-RoBERTa": xlm_roberta,
    "BART": bart,
    "GPT-2 without a pad token": gpt2,
    "GPT-2 that pads with its end of text": lambda to: gpt2(to, pad_token_id=0),
    "weights in shards": sharded,
    "weights in fp16": stored_as(torch.float16),
    "weights in bf16": stored_as(torch.bfloat16),
    "a multi-label head": lambda to: bert(
        to, problem_type="multi_label_classification", **labelled("toxic", "insult", "threat")
    ),
    "a regression head": lambda to: bert(to, problem_type="regression", **labelled("LABEL_0")),
}


def padded(tokens: Tokens, rows: Sequence[int], pad_id: int) -> PaddedBatch:
    lengths = tokens.lengths[list(rows)]
    ids = np.full((len(rows), lengths.max()), pad_id, np.int64)
    for place, row in enumerate(rows):
        ids[place, : lengths[place]] = tokens.ids[tokens.offsets[row] : tokens.offsets[row] + lengths[place]]
    return PaddedBatch(ids, lengths)


def scores_of(classifier: Classifier, texts: Sequence[str], *, batch: int = 7) -> np.ndarray:
    """[n, labels], in batches of neighbours as unequal in length as the list has them."""
    tokens = classifier.tokenizer.encode(texts)
    rows = range(len(texts))
    return np.concatenate(
        [
            classifier.scores(padded(tokens, rows[start : start + batch], classifier.pad_id))
            for start in range(0, len(texts), batch)
        ]
    )
