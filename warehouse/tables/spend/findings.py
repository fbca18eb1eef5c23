"""What somebody should look at after a fold of usage or cost: each with its code, what it concerns, what to do
next."""

from datetime import date

from warehouse.wire.windows import Window

_NAMED = 20  # days named in one finding


def findings(
    stream: str, window: Window, disagreeing: list[tuple[date, str]], unreadable: list[date], outside: int
) -> list[dict[str, str]]:
    """Days whose rows do not add up (with what is said of them), days with figures that are no numbers, and how
    many rows lie outside the window."""
    found = []
    for day, said in disagreeing[:_NAMED]:
        found.append(
            {
                "code": "grouped_differs",
                "subject": f"{stream} {day}",
                "detail": f"{said}; every row is kept. See {stream}_days; the next refresh reads the day "
                "again, and if it stays so, ask the vendor",
            }
        )
    if len(disagreeing) > _NAMED:
        more = len(disagreeing) - _NAMED
        found.append(
            {
                "code": "grouped_differs",
                "subject": f"{stream} {window}",
                "detail": f"{more} further days do not add up either; see agrees in {stream}_days",
            }
        )
    if unreadable:
        found.append(
            {
                "code": "figure_unreadable",
                "subject": f"{stream} {unreadable[0]}",
                "detail": f"rows of {len(unreadable)} days hold figures that are no numbers; their text "
                "is kept, no sum has them: see unknown_fields",
            }
        )
    if outside:
        found.append(
            {
                "code": "outside_window",
                "subject": f"{stream} {window}",
                "detail": f"{outside} rows lie outside the days asked for; kept under the first day",
            }
        )
    return found
