"""Writes what is made from the code: the pages of `docs/reference`, and what the Dagster UI says of columns."""

from docs.site import column_lineage
from docs.site.pages import LINEAGE, made

if __name__ == "__main__":
    for path, text in (made() | {LINEAGE: column_lineage.written()}).items():
        path.parent.mkdir(exist_ok=True)
        half = path.with_name(f".{path.name}.half")  # a run that is killed leaves the old page whole
        half.write_text(text, encoding="utf-8")
        half.replace(path)
        print(f"wrote {path.name}")
