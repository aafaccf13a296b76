"""Keys of the maker: made, read, and refused."""

import os
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bootstrap.bundle.keys import parse_public_keys
from builder.errors import UsageError
from builder.signing import (
    PASSWORD_VARIABLE,
    SigningTerms,
    load_signer,
    make_key,
    read_terms,
    read_trusted,
)
from builder.signing.sshsig import armor, read_armored

PASSWORD = "open sesame"  # noqa: S105 (of keys that live as long as the tests)


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "release")
    return tmp_path / "release"


def refused(key: Path, why: str) -> str:
    with pytest.raises(UsageError, match=why) as caught:
        load_signer(key)
    assert str(key) in caught.value.message
    return caught.value.remedy


def test_a_new_key_is_its_owners_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        key = make_key(tmp_path / "release")
    finally:
        os.umask(mask)
    if sys.platform != "win32":
        assert (tmp_path / "release").stat().st_mode & 0o777 == 0o600
    public = (tmp_path / "release.pub").read_text()
    assert public == f"{key.line}\n"
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" release\n")
    assert load_signer(tmp_path / "release").key.comment == "release"


def test_a_key_knows_itself_without_its_public_file(key: Path) -> None:
    (known,) = parse_public_keys((key.parent / "release.pub").read_text(), "release.pub")
    (key.parent / "release.pub").unlink()
    assert load_signer(key).key == known


@pytest.mark.parametrize("name", ["release", "release.pub"])
def test_no_key_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=f"{name} is there already"):
        make_key(tmp_path / "release")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_password_protects_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    made = make_key(tmp_path / "release")
    assert load_signer(tmp_path / "release").key == made
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    assert "the key was made with" in refused(tmp_path / "release", "does not open the key")
    monkeypatch.delenv(PASSWORD_VARIABLE)
    assert PASSWORD_VARIABLE in refused(tmp_path / "release", "protected by a password")


def test_a_password_for_a_key_without_one_is_told(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    assert "ssh-keygen -p" in refused(key, "the key .* has none")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(key: Path, mode: int) -> None:
    key.chmod(mode)
    assert f"chmod 600 {key}" in refused(key, f"mode 0{mode:o}")


@pytest.mark.parametrize(
    ("private", "kind"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "RSA"),
        (lambda: ec.generate_private_key(ec.SECP256R1()), "EC"),
    ],
)
def test_a_key_of_another_kind_is_named(key: Path, private: object, kind: str) -> None:
    assert callable(private)
    key.write_bytes(
        private().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    )
    assert "keygen" in refused(key, f"of the kind {kind}; installers check Ed25519")


@pytest.mark.parametrize("size", [0, 100, 300])
def test_half_a_key_is_none(key: Path, size: int) -> None:
    os.truncate(key, size)
    refused(key, "no private key in OpenSSH's format, or not all of one")


def test_a_key_that_is_not_there_or_is_the_public_one(key: Path) -> None:
    refused(key.with_name("none"), "cannot be read: No such file")
    public = key.with_name("release.pub")
    public.chmod(0o600)
    refused(public, "no private key")


def test_terms_that_do_not_fit_together(key: Path) -> None:
    public, other = key.with_name("release.pub"), key.with_name("other.pub")
    make_key(key.with_name("other"))
    assert read_terms(None, [], required=False) == SigningTerms()
    terms = read_terms(key, [other, public], required=True)
    assert terms.signer
    assert terms.signer.key in terms.trusted
    with pytest.raises(UsageError, match="A signature is required"):
        read_terms(None, [], required=True)
    with pytest.raises(UsageError, match="refuses bundles that are not signed"):
        read_terms(None, [public], required=False)
    with pytest.raises(UsageError, match="would refuse itself") as caught:
        read_terms(key, [other], required=False)
    assert str(terms.signer.key) in caught.value.message


def test_the_order_and_number_of_mentions_do_not_matter(key: Path) -> None:
    public, other = key.with_name("release.pub"), key.with_name("other.pub")
    make_key(key.with_name("other"))
    both = key.with_name("both.pub")
    both.write_text(other.read_text() + public.read_text())
    assert read_trusted([public, other]) == read_trusted([other, public, public])
    assert read_trusted([both]) == read_trusted([other, public])
    both.write_text("# nothing\n")
    with pytest.raises(UsageError, match="no public key"):
        read_trusted([both])


def test_signatures_as_files_are_read_back(key: Path) -> None:
    signature = load_signer(key).sign(b"message", "file")
    written = armor(signature, "file")
    assert read_armored(written, "file") == signature
    assert read_armored(written, "other") is None
    for place in range(0, len(written), 7):
        damaged = bytearray(written)
        damaged[place] ^= 2
        read = read_armored(bytes(damaged), "file")
        assert read is None or not (read.key == signature.key and read.fits(b"message", "file"))
    assert read_armored(b"", "file") is None
    assert signature.fits(b"message", "file")
    assert not signature.fits(b"message", "other")
    assert not signature.fits(b"massage", "file")
