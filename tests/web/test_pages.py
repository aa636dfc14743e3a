import re
from urllib.parse import urljoin

import pytest
from starlette.exceptions import HTTPException

from mien import __version__
from mien.labels import EMOTIONS
from mien.web.service import file_name
from tests.web.conftest import Serve


def test_what_the_server_offers(serve: Serve):
    found = serve(language="ru", max_upload_mb=7).get("/api/about").json()
    assert (found["version"], found["language"], found["max_upload_mb"]) == (__version__, "ru", 7)
    assert [one["name"] for one in found["models"]] == ["fake", "base", "large", "tiny"]
    assert [one["default"] for one in found["models"]] == [True, False, False, False]
    assert {"yunet", "yunet:full", "haar:alt2"} <= {one["name"] for one in found["detectors"]}
    assert [one["name"] for one in found["emotions"]] == list(EMOTIONS)
    happy = found["emotions"][EMOTIONS.index("happy")]
    assert (happy["en"], happy["ru"]) == ("happy", "радость")
    assert re.fullmatch("#[0-9A-Fa-f]{6}", happy["colour"])
    assert found["reasons"]["blur"] == {"en": "blurred", "ru": "размыто"}
    assert (found["affect"][0], set(found["affect"])) == ("model", {"model", "none", "adfes2011", "crowd", "legacy"})


def test_the_app_may_load_nothing_from_outside(server):
    page = server.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert not address.startswith(("http:", "https:", "//")), address
        if address.startswith("/static/"):
            assert server.get(address).status_code == 200, address


def test_the_documentation_is_whole_without_a_network(server):
    page = server.get("/api/docs")
    assert '<html lang="en">' in page.text
    addresses = re.findall(r"""(?:src|href|url)(?:=|: )["']([^"']+)["']""", page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert urljoin("https://a.test/faces/api/docs", address).startswith("https://a.test/faces/"), address  # below the path of a proxy
        assert server.get(urljoin("/api/docs", address)).status_code == 200, address
    (api,) = server.get("/api/openapi.json").json()["servers"]
    assert urljoin("https://a.test/faces/api/openapi.json", api["url"]) == "https://a.test/faces/"
    assert "http:" not in page.headers["content-security-policy"]


def test_every_route_is_documented(serve: Serve):
    server = serve()
    api = server.get("/api/openapi.json").json()
    assert set(api["paths"]) == {
        "/api/about", "/api/health", "/api/pictures", "/api/pictures/url", "/api/videos", "/api/videos/{number}",
        "/api/videos/{number}/{result}", "/api/sessions", "/api/sessions/{number}", "/api/sessions/{number}/table.{kind}",
        "/sessions/{number}", "/upload",
    }  # fmt: skip
    for path, methods in api["paths"].items():
        for method, what in methods.items():
            assert what["description"], (method, path)
    assert "HTTPValidationError" not in str(api)
    form = api["components"]["schemas"]["Body_read_pictures_api_pictures_post"]["properties"]["file"]["items"]
    assert form == {"type": "string", "format": "binary"}  # what the documentation's page has a field for
    assert next(iter(api["paths"]["/api/videos/{number}/{result}"]["get"]["responses"]["200"]["content"])) == "text/csv"
    assert "securitySchemes" not in api["components"]
    assert serve(token="x").get("/api/openapi.json", headers={"Authorization": "Bearer x"}).json()["security"] == [{"token": []}]
    kind = next(one for one in api["paths"]["/api/sessions/{number}/table.{kind}"]["get"]["parameters"] if one["name"] == "kind")
    assert kind["schema"]["enum"] == ["csv", "jsonl", "parquet"]
    for path, methods in api["paths"].items():
        for method, what in methods.items():
            assert list(what["responses"]["default"]["content"]) == ["application/json"], (method, path)
    assert {"application/json", "multipart/form-data"} == set(api["paths"]["/upload"]["post"]["requestBody"]["content"])
    face = api["components"]["schemas"]["Face"]["properties"]
    assert {"emotion", "p_happy", "valence", "raw_p_happy"} <= set(face)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/sessions/1", "DELETE, GET"),
        ("POST", "/api/videos/x", "DELETE, GET"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/api/pictures", "POST"),
        ("POST", "/static/app.js", "GET, HEAD"),
    ],
)
def test_another_method_is_told_all_that_there_are(server, method, path, allowed):
    answer = server.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {"error": f"{method} is not for {path}; allowed: {allowed}", "code": "method"}


def test_an_older_starlette_names_no_methods_for_files(server, monkeypatch):
    def refused(*_: object) -> None:
        raise HTTPException(405)

    monkeypatch.setattr("starlette.staticfiles.StaticFiles.get_response", refused)
    answer = server.post("/static/app.js")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_fault_is_one_line_without_a_traceback(serve: Serve, two, monkeypatch, caplog):
    server = serve()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret path")

    monkeypatch.setattr("mien.web.pictures.decode", broken)
    answer = server.post("/api/pictures", files={"file": ("a.png", two)})
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret path" in caplog.text
    told = "RuntimeError; this is a fault in mien or in a plug-in, and the server's log says where"
    assert answer.json() == {"error": told, "code": "fault"}


def test_names_of_uploads_are_made_harmless():
    assert file_name("../../etc/passwd", "x") == "passwd"
    assert file_name("C:\\photos\\a.jpg", "x") == "a.jpg"
    assert file_name("a\nb\x1b[31m.jpg", "x") == "a?b?[31m.jpg"
    assert (file_name("", "x"), file_name(None, "x"), file_name("..", "x")) == ("x", "x", "..")
    assert len(file_name("a" * 500, "x")) == 200
    assert file_name("=HYPERLINK(1).jpg", "x") == "_=HYPERLINK(1).jpg"  # which a spreadsheet would follow
    assert file_name("@SUM(1+1)", "x") == "_@SUM(1+1)"


def test_answers_are_as_documented(server, two, film):
    from mien.web import answers

    answers.About.model_validate(server.get("/api/about").json(), strict=True)
    answers.Pictures.model_validate(server.post("/api/pictures", files={"file": ("a.png", two)}).json(), strict=True)
    answers.LegacyFaces.model_validate(server.post("/upload", files={"file": ("a.png", two)}).json(), strict=True)
    job = server.post("/api/videos", files={"file": ("a.mp4", film.read_bytes())}).json()
    answers.VideoJob.model_validate(job, strict=True)
    assert server.head("/api/health").status_code == server.head("/").status_code == 200


def test_the_page_has_every_word_in_both_languages(server):
    text = server.get("/static/words.js").text
    english, russian = re.search(r"\n  en: \{\n(.*?)\n  \},\n  ru: \{\n(.*?)\n  \},?\n\}", text, re.DOTALL).groups()
    keys = [dict(re.findall(r"^    (\w+):(.*?)(?=^    \w+:|\Z)", part, re.MULTILINE | re.DOTALL)) for part in (english, russian)]
    assert len(keys[0]) > 100
    assert keys[0].keys() == keys[1].keys()
    for name, words in keys[0].items():
        assert set(re.findall(r"\{(\w+)\}", words)) == set(re.findall(r"\{(\w+)\}", keys[1][name])), name
    known = (
        r"mien (?:serve|live)|--session|mien|state_broken off|JSON Lines|CSV|JPEG|Parquet|AffectNet|ADFES|https|localhost|HTTP|\{\w+\}|\w+:"
    )
    assert not re.search("[A-Za-z]{4}", re.sub(known, "", russian))
