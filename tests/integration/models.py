"""Small classifiers for the tests: a few kilobytes of random weights, and one that is broken on purpose."""

from pathlib import Path

POISON = "poison"
"""A word whose embedding is not a number in the poisoned model; other texts are classified as ever."""

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?'\"()-_/#"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, POISON, "the", "and", "good", "bad", *LETTERS, *(f"##{letter}" for letter in LETTERS)]


def save_tiny_model(folder: Path, *, broken: bool = False) -> Path:
    """A BERT classifier with the labels NEGATIVE and POSITIVE.

    Args:
        folder: where to.
        broken: every weight of the head is NaN, so that no text has a score.
    """
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(VOCABULARY)})
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer,
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
        model_max_length=128,
    ).save_pretrained(folder)
    torch.manual_seed(5)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            id2label={0: "NEGATIVE", 1: "POSITIVE"},
            label2id={"NEGATIVE": 0, "POSITIVE": 1},
        )
    )
    with torch.no_grad():
        if broken:
            model.classifier.weight.fill_(float("nan"))
        model.bert.embeddings.word_embeddings.weight[VOCABULARY.index(POISON)] = float("nan")
    model.save_pretrained(folder)
    return folder
