"""Output writers: results, one at a time, to tables, annotated pictures, crops and notebooks. `registry.open_sink` chooses."""
