"""Writes the queries of all maps, and their tables in docs/siem.md; run by `make docs`."""

from siem_maps.files import page, queries

if __name__ == "__main__":
    for path, text in (*queries().items(), *page().items()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
