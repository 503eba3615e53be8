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
    from tiny_bert import save_tokenizer, tiny_bert
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(VOCABULARY)})
    save_tokenizer(folder, tokenizer._tokenizer, 128)
    model = tiny_bert(len(VOCABULARY), 128, labels=("NEGATIVE", "POSITIVE"), seed=5)
    with torch.no_grad():
        if broken:
            model.classifier.weight.fill_(float("nan"))
        model.bert.embeddings.word_embeddings.weight[VOCABULARY.index(POISON)] = float("nan")
    model.save_pretrained(folder)
    return folder
