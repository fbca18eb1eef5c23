"""Writes the pages of `docs/reference` that are made from the code: `python -m docs.site`."""

from docs.site.pages import made

if __name__ == "__main__":
    for path, text in made().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")
