"""The web app and the REST API, on FastAPI: `app.create_app` makes it, `mien serve` runs it. Nothing below imports it."""

from mien.errors import ExtraMissing, install

try:
    import anyio
    import fastapi
    import fastapi_offline
    import python_multipart
except ImportError as error:
    raise ExtraMissing(f"the web app needs FastAPI and more: {install('web')}") from error

del anyio, fastapi, fastapi_offline, python_multipart  # asked for here only so that nothing below does without the extra
