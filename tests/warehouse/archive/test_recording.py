"""From records of a switch to the spans without recording."""

import pytest

from warehouse.archive.recording import Turn, off_spans

A, B, C, D = (f"2026-11-2{day}T10:00:00Z" for day in range(4))


def turn(at: str, enabled: bool | None = None, logging: bool | None = None) -> Turn:
    return Turn(event_id=f"activity_{at}", at=at, enabled=enabled, logging=logging)


@pytest.mark.parametrize(
    ("turns", "windows"),
    [
        ([], []),
        ([turn(A, logging=True)], []),
        ([turn(A, logging=False), turn(B, logging=True)], [f"[{A}, {B})"]),
        ([turn(B, logging=True), turn(A, logging=False)], [f"[{A}, {B})"]),
        ([turn(A, enabled=False), turn(B, enabled=True)], [f"[{A}, {B})"]),
        ([turn(A, logging=False)], [f"[{A}, still off)"]),
        ([turn(A, logging=False), turn(B, enabled=True), turn(C, logging=True)], [f"[{A}, {C})"]),
        ([turn(A, False, False), turn(B, logging=True), turn(C, enabled=True)], [f"[{A}, {C})"]),
        ([turn(A, logging=False), turn(B)], [f"[{A}, still off)"]),
        (
            [turn(A, logging=False), turn(B, logging=True), turn(C, enabled=False), turn(D, enabled=True)],
            [f"[{A}, {B})", f"[{C}, {D})"],
        ),
    ],
)
def test_a_span_lasts_from_the_first_switch_off_until_both_are_on(turns: list[Turn], windows: list[str]) -> None:
    assert [span.window for span in off_spans(turns)] == windows
