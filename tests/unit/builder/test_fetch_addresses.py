"""Which addresses may be asked and followed."""

import pytest

from builder.fetch.addresses import host_of, is_loopback, linked, redirected, with_login
from builder.fetch.failures import TransportError


@pytest.mark.parametrize(
    ("source", "location", "target"),
    [
        ("https://a.example/x/y", "z", "https://a.example/x/z"),
        ("https://a.example/x", "https://b.example/y", "https://b.example/y"),
        ("https://a.example/x", "//b.example/y", "https://b.example/y"),
        ("https://u:p@a.example/x", "/y", "https://u:p@a.example/y"),
        ("http://127.0.0.1:1/x", "http://localhost/y", "http://localhost/y"),
        ("http://[::1]/x", "/y", "http://[::1]/y"),
        ("http://127.0.0.1/x", "https://a.example/y", "https://a.example/y"),
    ],
)
def test_redirects_that_are_followed(source: str, location: str, target: str) -> None:
    assert redirected(source, location) == target


@pytest.mark.parametrize(
    ("source", "location"),
    [
        ("https://a.example/x", "http://a.example/x"),
        ("https://127.0.0.1/x", "http://127.0.0.1/x"),
        ("https://a.example/x", "http://127.0.0.1/x"),
        ("http://a.example/x", "http://a.example/y"),
        ("http://a.example/x", "https://a.example/x"),
        ("http://127.0.0.1/x", "http://a.example/x"),
        ("http://127.0.0.1/x", "http://127.0.0.1.a.example/x"),
        ("http://127.0.0.1/x", "http://127.1/x"),
        ("https://a.example/x", "https://u:p@b.example/"),
        ("https://u:p@a.example/x", "https://u:p@b.example/"),
        ("https://a.example/x", "https://b.example\\@c.example/"),
        ("https://a.example/x", "https://b.example:0/"),
        ("https://a.example/x", "https://[x"),
        ("https://a.example/x", "file:///x"),
        ("https://a.example/x", "data:,x"),
        ("https://a.example/x", "https://b.example/\x1b"),
    ],
)
def test_redirects_that_are_not_followed(source: str, location: str) -> None:
    with pytest.raises(TransportError) as caught:
        redirected(source, location)
    assert "u:p@" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("https://a.example/x/", "https://files.example/y"),
        ("http://mirror.example/x/", "http://mirror.example/y"),
        ("http://mirror.example/x/", "http://mirror.example:80/y"),
        ("http://mirror.example/x/", "https://files.example/y"),
        ("http://127.0.0.1/x/", "http://127.0.0.2/y"),
    ],
)
def test_links_that_are_followed(page: str, link: str) -> None:
    assert linked(page, link) == link


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("https://a.example/x/", "http://a.example/y"),
        ("http://mirror.example/x/", "http://files.example/y"),
        ("http://mirror.example/x/", "http://mirror.example:8080/y"),
        ("https://a.example/x/", "http://127.0.0.1/y"),
        ("https://a.example/x/", "file:///y"),
        ("https://a.example/x/", "https://u:p@a.example/y"),
    ],
)
def test_links_that_are_not_followed(page: str, link: str) -> None:
    with pytest.raises(TransportError, match="is not followed"):
        linked(page, link)


def test_this_machine_is_known_by_its_names_only() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    others = ("", "0.0.0.0", "::", "127.1", "localhost.example", "192.0.2.1", "::ffff:127.0.0.1")  # noqa: S104
    assert not any(is_loopback(host) for host in others)


def test_a_login_is_for_its_own_host_only() -> None:
    index = "https://u:p@a.example/simple"
    assert with_login("https://a.example/f", index) == "https://u:p@a.example/f"
    for url in ("https://b.example/f", "http://a.example/f", "https://a.example:8/f"):
        assert with_login(url, index) == url


def test_a_host_is_named_without_its_login() -> None:
    assert host_of("https://u:p@a.example:8/f") == "a.example"
    assert host_of("https://u:p@[a") == "[a"
