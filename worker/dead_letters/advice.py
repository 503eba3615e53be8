"""Advice for dead letters: how to make such an event pass, by reason."""

from worker.errors import Reason

_MEND = "mend the value (replay --through) and replay it"
_LIMIT = "raise the limit, or shorten the text (replay --through)"

ADVICE: dict[Reason, str] = {
    Reason.UNREADABLE_RECORD: "the record is damaged in the topic: write the event anew from where it came from",
    Reason.UNREADABLE_BATCH: "the batch is damaged in the topic: write its events anew from where they came from",
    Reason.NOT_UTF8: "encode the value as UTF-8 (replay --through), and have its producer do so",
    Reason.NOT_JSON: f"the value is not valid JSON: {_MEND}",
    Reason.NOT_AN_OBJECT: f"the value must be a JSON object: {_MEND}",
    Reason.NESTED_TOO_DEEPLY: f"the JSON is nested too deeply: {_MEND}",
    Reason.LONE_SURROGATE: f"the JSON has half of a surrogate pair, which is no character: {_MEND}",
    Reason.UNKNOWN_FRAME: "give the input_format that the events have, or write them as JSON, then replay them",
    Reason.INVALID_CLOUDEVENT: f"the CloudEvent lacks what its specification demands: {_MEND}",
    Reason.NULL_VALUE: "set tombstones=forward, or write an event with a value",
    Reason.NO_TEXT: "set text_path to where these events have their text, or move it there (replay --set-text-path); "
    "for events that never have one set on_no_text",
    Reason.TEXT_NOT_A_STRING: f"the text must be a string: {_MEND}, or set text_path",
    Reason.EMPTY_TEXT: f"the text is blank: {_MEND}",
    Reason.TEXT_TOO_LARGE: _LIMIT,
    Reason.TOKENISING_FAILED: f"the tokenizer fails on this text alone: {_MEND}, and report the text with the model",
    Reason.INFERENCE_FAILED: "replay it: the device may have been in trouble; if it comes back, the model fails on it",
    Reason.NON_FINITE_SCORES: "replay it with another precision or device: the model gives no finite score for it",
    Reason.OUTPUT_TOO_LARGE: "raise max.message.bytes of the output topic, or set output_mode=verdict, then replay it",
    Reason.OUTPUT_REFUSED: "mend the rule of the output topic that refuses it (timestamps, keys), then replay it",
}


def advice(reason: str) -> str:
    """Return what would make an event pass that is a dead letter for this reason."""
    try:
        return ADVICE[Reason(reason)]
    except ValueError:
        return "this reason is not one of this version's: see the headers"
