"""The page that asks for the token, for a browser that has none or whose cookie is of an earlier server."""

from __future__ import annotations

from importlib.resources import files

from starlette.responses import HTMLResponse, Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
"""All that the page needs is in it: nothing else of the server is given out without the token."""
WORDS = {
    "en": {
        "title": "This server wants its token",
        "where": "mien serve printed it when it started, at the end of the address. A server that is started anew may have another one.",
        "wrong": "That was not its token.",
        "token": "Token",
        "enter": "Enter",
    },
    "ru": {
        "title": "Этому серверу нужен его токен",
        "where": "Команда mien serve напечатала его при запуске, в конце адреса. После нового запуска токен может быть другим.",
        "wrong": "Это не его токен.",
        "token": "Токен",
        "enter": "Войти",
    },
}


def entrance(languages: str, *, default: str, wrong: bool) -> Response:
    """The page, with status 401. languages: the header Accept-Language. default: where it names none. wrong: whether one was given."""
    language = _first_known(languages) or default
    words = WORDS[language]
    static = files("mien.web").joinpath("static")
    style, icon = (static.joinpath(name).read_text("utf-8") for name in ("app.css", "icon.svg"))
    told = f'<p class="error" role="alert">{words["wrong"]}</p>' if wrong else ""
    page = f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>mien</title>
<style>{style}</style>
</head>
<body>
<header><div class="brand">{icon.replace("<svg ", '<svg width="40" height="40" aria-hidden="true" ', 1)}<h1>mien</h1></div></header>
<main><section>
<h2>{words["title"]}</h2>
<p class="note">{words["where"]}</p>{told}
<form class="line" method="get">
<label for="token">{words["token"]}</label>
<input type="password" id="token" name="token" required autofocus autocomplete="off">
<button class="main">{words["enter"]}</button>
</form>
</section></main>
</body>
</html>
"""
    return HTMLResponse(page, 401, headers={"Content-Security-Policy": POLICY})


def _first_known(languages: str) -> str | None:
    """The first of the languages that a browser lists, the best first, that the page is written in."""
    named = (part.partition(";")[0].strip().partition("-")[0].lower() for part in languages.split(","))
    return next((name for name in named if name in WORDS), None)
