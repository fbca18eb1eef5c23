"""A certificate as one page that people read: no script, no network, printable."""

from warehouse.evidence.certificate import Certificate
from warehouse.evidence.showing import certified, environment, place
from warehouse.wire.times import parse_rfc3339


def page(certificate: Certificate) -> str:
    """The page as HTML."""
    document = certificate.document
    begin, end = (parse_rfc3339(document["period"][name]) for name in ("from", "to"))
    return (
        environment()
        .get_template("certificate.html.j2")
        .render(
            **certified(certificate, "in certificate.json or in the archive"),
            covered=[place(begin, end, *window) for window in document["coverage"]["windows"]],
            off=[place(begin, end, span["from"], span["to"]) for span in document["recording"]["off"]],
            sha256=certificate.sha256,
            note=certificate.signed.note if certificate.signed else None,
        )
    )
