"""What the loopback server in `internet` plays: good pages, bad ones, slow ones, and places a URL must not lead to."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from internet import PICTURE, Internet, serving

from mien.errors import SourceError, SourceMissing, SourceRefused, SourceTooLarge, SourceUnreadable
from mien.io.fetch import fetch, is_public, shown, without_secrets


@pytest.fixture
def internet() -> Iterator[Internet]:
    yield from serving()


def test_a_picture_arrives_from_the_address_that_was_checked(internet: Internet) -> None:
    assert internet.fetch("http://good.test/picture.png") == PICTURE
    assert internet.fetch("http://GOOD.test.:8080/picture.png?a=b c#part") == PICTURE
    assert internet.connected == [("93.184.216.34", 80), ("93.184.216.34", 8080)]
    assert internet.asked == [("/picture.png", "good.test"), ("/picture.png?a=b%20c", "good.test:8080")]


def test_loopback_is_refused_unless_allowed(internet: Internet) -> None:
    url = f"http://127.0.0.1:{internet.port}/picture.png"
    with pytest.raises(SourceRefused, match=r"png: 127\.0\.0\.1 is not an address of the public internet; .* --allow-private"):
        fetch(url)
    with pytest.raises(SourceRefused, match=r"png: ::1 is not an address of the public internet; .* --allow-private"):
        fetch(f"http://[::1]:{internet.port}/picture.png")
    assert not internet.asked
    assert fetch(url, allow_private=True) == PICTURE
    assert fetch(f"http://localhost:{internet.port}/picture.png", allow_private=True) == PICTURE


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "１２７.0.0.1"])
def test_other_ways_to_write_loopback(host: str) -> None:
    def resolve(name: str, port: int) -> list[str]:
        return [socket.inet_ntoa(socket.inet_aton(name))]  # as the system's resolver reads numbers

    with pytest.raises(SourceRefused, match="not an address of the public internet"):
        fetch(f"http://{host}:9/x", resolve=resolve)


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]", "localhost", "127.0.0.1"])
def test_loopback_by_the_systems_resolver(host: str) -> None:
    with pytest.raises(SourceRefused, match="not an address of the public internet"):
        fetch(f"http://{host}:9/x")


def test_one_private_address_among_several_is_enough(internet: Internet) -> None:
    internet.names["mixed.test"] = ["93.184.216.34", "192.168.1.1"]
    with pytest.raises(SourceRefused, match=r"mixed\.test is 192\.168\.1\.1, not an address of the public internet"):
        internet.fetch("http://mixed.test/picture.png")
    assert not internet.connected


def test_redirects_are_followed_and_checked(internet: Internet) -> None:
    assert internet.fetch("http://good.test/redirect?http://other.test/picture.png") == PICTURE
    assert internet.fetch("http://good.test/redirect?/picture.png") == PICTURE
    assert [address for address, _ in internet.connected] == ["93.184.216.34", "93.184.216.35", "93.184.216.34", "93.184.216.34"]
    for target in ("http://inside.test/picture.png", "http://169.254.169.254/latest", "http://[::1]/", "//inside.test/picture.png"):
        internet.names["169.254.169.254"], internet.names["::1"] = ["169.254.169.254"], ["::1"]
        with pytest.raises(SourceRefused, match=r"http://good\.test/redirect\?… -> .*not an address of the public internet"):
            internet.fetch(f"http://good.test/redirect?{target}")
    with pytest.raises(SourceRefused, match="found the scheme file:, wanted http or https"):
        internet.fetch("http://good.test/redirect?file:///etc/passwd")
    with pytest.raises(SourceRefused, match="user name"):
        internet.fetch("http://good.test/redirect?http://a:b@other.test/")
    assert {address for address, _ in internet.connected} == {"93.184.216.34", "93.184.216.35"}


def test_a_name_that_changes_its_address_between_hops_is_checked_again(internet: Internet) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1"):
        fetch("http://good.test/redirect?/picture.png", resolve=lambda *_: next(answers), connect=internet.connect)
    assert internet.connected == [("93.184.216.34", 80)]


def test_endless_redirects(internet: Internet) -> None:
    with pytest.raises(SourceRefused, match=r"^http://good\.test/loop: more than 3 redirects$"):
        internet.fetch("http://good.test/loop", max_redirects=3)
    assert len(internet.asked) == 4
    with pytest.raises(SourceUnreadable, match="without an address"):
        internet.fetch("http://good.test/nowhere")


@pytest.mark.parametrize("page", ["drip", "drip-headers", "silent"])
def test_the_timeout_is_for_the_whole_transfer(internet: Internet, page: str) -> None:
    began = time.monotonic()
    with pytest.raises(SourceRefused, match=r"not here within 0\.3 s; .* a stream is watched by: mien live URL$"):
        internet.fetch(f"http://good.test/{page}", timeout_seconds=0.3)
    assert 0.25 < time.monotonic() - began < 2


def test_the_timeout_covers_the_resolver(internet: Internet) -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(0.5)
        return ["93.184.216.34"]

    began = time.monotonic()
    with pytest.raises(SourceRefused, match="not here within"):
        fetch("http://good.test/picture.png", resolve=slow, connect=internet.connect, timeout_seconds=0.1)
    assert time.monotonic() - began < 0.4


@pytest.mark.parametrize("page", ["announced", "endless", "picture.png"])
def test_too_large_is_refused(internet: Internet, page: str) -> None:
    with pytest.raises(SourceTooLarge, match="more than 1500 bytes"):
        internet.fetch(f"http://good.test/{page}", max_bytes=1500)


def test_exactly_the_limit_is_fine(internet: Internet) -> None:
    assert internet.fetch("http://good.test/picture.png", max_bytes=len(PICTURE)) == PICTURE


@pytest.mark.parametrize(
    ("page", "kind", "message"),
    [
        ("status?404", SourceMissing, "the server answered 404 Not Found"),
        ("status?410", SourceMissing, "410 Gone"),
        ("status?500", SourceUnreadable, "500 Internal Server Error"),
        ("status?403", SourceUnreadable, "403 Forbidden"),
        ("status?204", SourceUnreadable, "204 No Content"),
        ("html", SourceUnreadable, "sent text/html, wanted a picture or a video; give the address of the picture itself"),
        ("camera", SourceUnreadable, "sent multipart/x-mixed-replace, a stream, wanted a picture or a video; watch it by: mien live URL$"),
        ("list?application/vnd.apple.mpegurl", SourceUnreadable, "a stream, wanted .* watch it by: mien live URL$"),
        ("list?text/plain", SourceUnreadable, "a stream, wanted .* watch it by: mien live URL$"),
        ("short", SourceUnreadable, "ended after 2008 of 5000 bytes"),
        ("garbage", SourceUnreadable, "a broken answer"),
    ],
)
def test_dead_pages_are_one_line(internet: Internet, page: str, kind: type[SourceError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        internet.fetch(f"http://good.test/{page}")
    assert str(caught.value).startswith(f"http://good.test/{page.partition('?')[0]}")
    assert "\n" not in str(caught.value)


def test_the_bytes_decide_when_the_label_is_wrong(internet: Internet) -> None:
    assert internet.fetch("http://good.test/mislabelled") == PICTURE
    assert internet.fetch("http://good.test/unlabelled") == PICTURE


def test_paths_with_spaces_and_other_scripts(internet: Internet) -> None:
    for url in ("http://good.test/a b.png", "http://good.test/a%20b.png", "http://good.test/ф.png"):
        assert internet.fetch(url) == PICTURE


def test_a_fault_in_the_resolver_is_not_hidden() -> None:
    def broken(host: str, port: int) -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch("http://good.test/x.png", resolve=broken)


def test_nobody_there(internet: Internet) -> None:
    with pytest.raises(SourceMissing, match=r"no host called none\.test \(Name or service not known\)"):
        internet.fetch("http://none.test/x.png")
    internet.names["empty.test"] = []
    with pytest.raises(SourceMissing, match=r"no host called empty\.test"):
        internet.fetch("http://empty.test/x.png")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(SourceMissing, match=r"no connection to 127\.0\.0\.1 \(Connection refused\)"):
            fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/", allow_private=True)


def test_the_next_address_is_tried(internet: Internet) -> None:
    internet.names["two.test"] = ["93.184.216.40", "93.184.216.41"]
    tried = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        if address.endswith("40"):
            raise ConnectionRefusedError(111, "Connection refused")
        return internet.connect(address, port, seconds)

    assert fetch("http://two.test/picture.png", resolve=internet.resolve, connect=connect) == PICTURE
    assert tried == internet.names["two.test"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://good.test/x", "found the scheme ftp:, wanted http or https"),
        ("file:///etc/passwd", "for a local file give its path"),
        ("http://user@good.test/x", "a user name or password"),
        ("http://user:secret@good.test/x", "a user name or password"),
        ("http://good.test\\@inside.test/x", "backslash"),
        ("http://good.test/x\r\nHost: inside.test", "control character"),
        ("http://good.test:99999/x", "not a URL that makes sense"),
        ("http://[::1/x", "not a URL that makes sense"),
        ("http:///x", "no host"),
        ("http://go od.test/x", "no host"),
        ("http://a..b/x", "not a URL that makes sense"),
    ],
)
def test_odd_urls_are_refused_before_anything_happens(internet: Internet, url: str, message: str) -> None:
    with pytest.raises(SourceRefused, match=message) as caught:
        internet.fetch(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not internet.connected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_as_url_is_a_source_error(text: str) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("nothing here")

    for url in (text, "http://" + text):
        with pytest.raises(SourceError) as caught:
            fetch(url, resolve=nowhere)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.168.0.1"),
        *("198.18.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "2001:0:1::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::1", "2002:a00:1::", "2002:a9fe:a9fe::1"),
        *("192.0.0.8", "192.0.0.9", "192.88.99.1", "::ffff:192.0.0.8", "3fff::1", "3fff:fff::1"),
        *("", "good.test", "127.1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_no_secrets_in_what_is_shown() -> None:
    assert shown("https://me:pw@a.test/x.png?token=1#f") == "https://a.test/x.png?…"
    assert without_secrets("https://me:pw@a.test/x.png?a=1") == "https://a.test/x.png?a=1"
    assert without_secrets("https://a.test/me@home.png") == "https://a.test/me@home.png"
    signed = "https://a.test/x.png?size=9&X-Amz-Signature=0f&access_token=a;sig=b&x-goog-date=c&api-key=d&Token=e#f"
    hidden = "https://a.test/x.png?size=9&X-Amz-Signature=***&access_token=***;sig=***&x-goog-date=***&api-key=***&Token=***#f"
    assert without_secrets(signed) == hidden
    told = "https://a.test/token=1/x.png?tokens=2&design=3&author=4&keyword=5&key=6"
    assert without_secrets(told) == told  # which picture it is
    assert len(shown("http://a.test/" + "x" * 5000)) == 200


def test_proxies_of_the_environment_are_not_used(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert internet.fetch("http://good.test/picture.png") == PICTURE
    assert internet.connected == [("93.184.216.34", 80)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and key for good.test, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("making a certificate takes the openssl program")
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=good.test", "-addext", "subjectAltName=DNS:good.test"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"]
    made = subprocess.run([openssl, "req", "-x509", *key, "-days", "2", *names], cwd=folder, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this openssl cannot make the certificate")
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[Internet, Callable[[], ssl.SSLContext]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for internet in serving(context):
        yield internet, lambda: ssl.create_default_context(cafile=str(certificate))


def test_tls_checks_the_certificate_against_the_name(secure: tuple[Internet, Callable[[], ssl.SSLContext]]) -> None:
    internet, trusting = secure
    assert internet.fetch("https://good.test/picture.png", tls=trusting()) == PICTURE
    assert internet.connected == [("93.184.216.34", 443)]
    assert internet.asked == [("/picture.png", "good.test")]
    with pytest.raises(SourceUnreadable, match=r"no secure connection to other\.test \(Hostname mismatch"):
        internet.fetch("https://other.test/picture.png", tls=trusting())
    with pytest.raises(SourceUnreadable, match=r"no secure connection to good\.test \(self-signed certificate"):
        internet.fetch("https://good.test/picture.png")
    assert len(internet.asked) == 1
    with pytest.raises(SourceRefused, match="not here within"):
        internet.fetch("https://good.test/drip", tls=trusting(), timeout_seconds=0.3)


def test_tls_to_a_server_without_it(internet: Internet) -> None:
    with pytest.raises(SourceUnreadable, match=r"no secure connection to good\.test"):
        internet.fetch("https://good.test/picture.png")


def test_an_address_that_does_not_answer_leaves_time_for_the_next(internet: Internet) -> None:
    internet.names["two.test"] = ["93.184.216.40", "93.184.216.41", "93.184.216.42"]

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        if address.endswith("42"):
            return internet.connect(address, port, seconds)
        time.sleep(seconds)
        raise TimeoutError("timed out")

    assert fetch("http://two.test/picture.png", resolve=internet.resolve, connect=connect, timeout_seconds=1) == PICTURE


def test_messages_name_the_options_there_are(internet: Internet) -> None:
    with pytest.raises(SourceRefused, match=r"mien analyze --allow-private, mien serve --allow-private, in Python allow_private=True$"):
        internet.fetch("http://inside.test/picture.png")
    with pytest.raises(SourceTooLarge, match=r"raise it \(--url-max-bytes, max_bytes\)"):
        internet.fetch("http://good.test/picture.png", max_bytes=10)
