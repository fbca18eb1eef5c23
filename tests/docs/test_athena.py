"""The table in docs/athena.md, made on a real Trino, names every model, and each is the same on both engines."""

from tests.real.marts_on_trino import models, table_of_page


def test_every_model_of_the_project_is_in_the_table_with_rows_and_the_same_on_both_engines() -> None:
    rows = table_of_page()
    listed = [model.name for model in models() if model.on_the_page]
    assert [row[0] for row in rows] == listed, "python -m tests.real.marts_on_trino"
    for name, here, there, hash_here, hash_there in rows:
        assert (here, hash_here) == (there, hash_there), name
        assert int(here) > 0, name
        assert len(hash_here) == 16
