"""Writes the pages of `docs/reference` that are made from the code: `python -m docs.site`."""

from docs.site.pages import made

if __name__ == "__main__":
    for path, text in made().items():
        path.parent.mkdir(exist_ok=True)
        half = path.with_name(f".{path.name}.half")  # a run that is killed leaves the old page whole
        half.write_text(text, encoding="utf-8")
        half.replace(path)
        print(f"wrote {path.name}")
