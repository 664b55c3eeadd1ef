"""The hypotheses of fraud that the card is judged by. A `Quantity` names those that it speaks to."""

from enum import StrEnum


class Hypothesis(StrEnum):
    """A way in which the card may be no genuine one. The value is the name of its check in a verdict."""

    HOLOGRAM = "fraud_hologram"
    """No optically variable device, or a foreign one."""
    COPY = "fraud_copy"
    """A copy of the card on paper."""
    DISPLAY = "fraud_display"
    """A picture of the card on a display."""
    PORTRAIT = "fraud_portrait"
    """Another person's portrait."""
    FIELD = "fraud_field"
    """A field written anew."""
    ONE_PICTURE = "fraud_one_picture"
    """One picture, warped into three captures."""
    REPLAY = "fraud_replay"
    """A picture of the card for each of the angles."""
    DOCUMENT = "fraud_document"
    """Another document, or more than one."""

    @property
    def reason(self) -> str:
        """Reason code of a card that is more like this than genuine cards are."""
        return _REASONS[self]


_REASONS = {
    Hypothesis.HOLOGRAM: "hologram_not_as_issued",
    Hypothesis.COPY: "card_copied",
    Hypothesis.DISPLAY: "card_on_display",
    Hypothesis.PORTRAIT: "portrait_exchanged",
    Hypothesis.FIELD: "field_edited",
    Hypothesis.ONE_PICTURE: "captures_of_one_picture",
    Hypothesis.REPLAY: "captures_replayed",
    Hypothesis.DOCUMENT: "document_not_as_issued",
}
