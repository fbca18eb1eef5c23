"""The failure matrix is what the marked tests say, and every area has some."""

from tests.failure_matrix import AREAS, PAGE, ROOT, page, rows


def test_the_page_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.failure_matrix`"


def test_every_area_has_faults_and_every_cell_says_something() -> None:
    listed = rows()
    assert {row.area for row in listed} == set(AREAS)
    for row in listed:
        path, _, name = row.test.partition("::")
        assert (ROOT / path).is_file()
        assert name.startswith("test_"), f"{row.test} is marked, and no test"
        assert all(text.strip() for text in (row.fault, row.data, row.user, row.recovery)), row.test
