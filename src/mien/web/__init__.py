"""The web app and the REST API, on FastAPI: `app.create_app` makes it, `mien serve` runs it. Nothing below imports it."""
