"""Public keys as OpenSSH writes them. The values were made by ssh-keygen."""

import pytest

from bootstrap.bundle.errors import UsageError
from bootstrap.bundle.keys import PublicKey, parse_public_keys

LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOvZRNYPUGxvXuAkjVkureiAQmxTEo5NcRutCs4zpJ1O release"
FINGERPRINT = "SHA256:vIp9alAG+KzhDT/Td4Xaa7/3jSE6Hlkqn6XS9kr7Io8"


def test_a_line_is_read_and_written_as_openssh_does() -> None:
    (key,) = parse_public_keys(f"# ours\n\n{LINE}\r\n", "release.pub")
    assert key.comment == "release"
    assert key.fingerprint == FINGERPRINT
    assert str(key) == f"{FINGERPRINT} (release)"
    assert key.line == LINE
    assert str(PublicKey(value=key.value)) == FINGERPRINT


def test_the_comment_does_not_make_a_key_another() -> None:
    keys = parse_public_keys(f"{LINE}\n{LINE} at work\n", "keys")
    assert [key.comment for key in keys] == ["release", "release at work"]
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (LINE.replace("ssh-ed25519 ", "ssh-rsa "), "'ssh-rsa'"),
        (LINE.replace("IOvZ", "I!vZ"), "damaged"),
        (LINE.replace("zpJ1O", ""), "damaged"),
        (LINE.replace("zpJ1O", "zpJ1OAAAA"), "damaged"),
        (LINE.replace("C3Nz", "C3Nx"), "damaged"),
        ("ssh-ed25519", "damaged"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "BEGIN"),
        ("é" * 100, "é"),
    ],
)
def test_what_is_no_ed25519_key_is_named(line: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        parse_public_keys(line, "wrong.pub")
    assert "wrong.pub" in caught.value.message
    assert "keygen" in caught.value.remedy
