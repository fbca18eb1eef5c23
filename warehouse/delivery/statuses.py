"""HTTP statuses that mean the same at every receiver of events (reference: siem-destinations 0.1).

Promise: what is not known to be the event's own fault never drops one: it is tried again, or stops the
destination.
"""

from warehouse.delivery.answers import reason, retry_after
from warehouse.delivery.knocking import NO_NAME, NO_NAME_REMEDY
from warehouse.delivery.port import Outcome, Response

_WRONG_ADDRESS = "the address is wrong: correct url"
_HALTS = {
    401: "the credential is not known there: check that it is whole, and was not revoked",
    403: "the credential may not do this, or belongs to another site or account",
    404: _WRONG_ADDRESS,
    405: _WRONG_ADDRESS,
    406: "the receiver does not take this kind of body: is url that of this type of receiver?",
    415: "the receiver does not take this kind of body: is url that of this type of receiver?",
}


def usual(response: Response, hints: dict[int, str] | None = None, why: str = "") -> Outcome | None:
    """The outcome of all events of a batch; None for 2xx, 400, 422 and others that each receiver has its own way
    with.

    hints: what to do, by status, where this receiver has a better word for it. why: the answer in the receiver's
    own words, where they stand in a document.
    """
    status, why = response.status, why or reason(response)
    if status == 0 or status in (408, 425, 429) or status >= 500:
        remedy = NO_NAME_REMEDY if response.error == NO_NAME else ""
        return Outcome(kind="retry", reason=why, after=retry_after(response.headers), remedy=remedy)
    if status == 413:
        return Outcome(kind="split", reason=why)
    if 300 <= status < 400:
        return Outcome(
            kind="halt",
            reason=f"HTTP {status}: redirected elsewhere",
            remedy="set url to the address that answers itself",
        )
    hint = (hints or {}).get(status) or _HALTS.get(status)
    return Outcome(kind="halt", reason=why, remedy=hint) if hint else None


def unreadable(response: Response) -> Outcome:
    """For an answer that says success in a way that the receiver never does: a proxy's page, half a body."""
    return Outcome(kind="retry", reason=f"{reason(response)}: not this receiver's own answer")


def is_page(response: Response) -> bool:
    """Whether the body is HTML: what stands between us and the receiver has answered."""
    return response.body.lstrip()[:1] == b"<"
