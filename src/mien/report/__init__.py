"""The page after a run: numbers and charts of a whole Timeline in one file. `page.write_page` makes it."""
