"""Sessions in a database, SQLite by default, PostgreSQL by URL: what was read, when, with which model. Never a picture."""

from mien.store.sessions import Session
from mien.store.store import Store, open_store

__all__ = ["Session", "Store", "open_store"]
