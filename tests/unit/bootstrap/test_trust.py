"""Whose bundles an installer takes that was frozen with keys, on tiny bundles."""

import sys
from pathlib import Path

import pytest

from bootstrap import trust
from bootstrap.bundle.errors import DamagedBundleError, ExitCode
from bootstrap.bundle.keys import PublicKey
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import NotTrustedError
from builder.signing import Signer
from tests.support.signing import (
    alter_index,
    frame_of,
    new_signer,
    sign_anew,
    signature_place,
    strip,
)
from tests.support.tiny_bundle import tiny_bundle, tiny_index


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return new_signer(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Signer:
    return new_signer(tmp_path, "other")


@pytest.fixture
def bundle(tmp_path: Path, signer: Signer) -> Path:
    return tiny_bundle(tmp_path, signer=signer)


def opened(path: Path, *keys: PublicKey) -> BundleReader:
    return BundleReader.open(path, trust.trusting(keys, path))


def refusal(path: Path, *keys: PublicKey) -> str:
    with pytest.raises(NotTrustedError) as caught:
        opened(path, *keys)
    assert caught.value.exit_code is ExitCode.NOT_TRUSTED
    for key in keys:
        assert str(key) in caught.value.message
    return caught.value.message


def test_what_a_trusted_key_has_signed_is_taken(bundle: Path, signer: Signer) -> None:
    reader = opened(bundle, signer.key)
    assert reader.index.product == "LLMSetup"
    reader.verify_rest()


def test_one_of_several_trusted_keys_is_enough(bundle: Path, signer: Signer, other: Signer) -> None:
    assert opened(bundle, other.key, signer.key)
    sign_anew(bundle, other)
    assert opened(bundle, other.key, signer.key)
    assert "other" not in refusal(bundle, signer.key)


def test_an_unsigned_bundle_is_refused(tmp_path: Path, signer: Signer) -> None:
    assert "tiny.run is not signed" in refusal(tiny_bundle(tmp_path), signer.key)


def test_a_stripped_bundle_is_an_unsigned_one(tmp_path: Path, bundle: Path, signer: Signer) -> None:
    strip(bundle)
    assert "is not signed" in refusal(bundle, signer.key)
    (tmp_path / "unsigned").mkdir()
    assert bundle.read_bytes() == tiny_bundle(tmp_path / "unsigned").read_bytes()


def test_a_foreign_signature_is_named(bundle: Path, signer: Signer, other: Signer) -> None:
    told = refusal(bundle, other.key)
    assert f"is signed by {signer.key.fingerprint}, whom nobody here trusts" in told


def test_an_altered_index_is_refused(bundle: Path, signer: Signer) -> None:
    alter_index(bundle, b'"Example"', b'"Exempel"')
    assert BundleReader.open(bundle).index.company == "Exempel"
    told = refusal(bundle, signer.key)
    assert f"by {signer.key} and does not fit its index" in told


def test_a_signature_made_for_something_else_is_refused(bundle: Path, signer: Signer) -> None:
    sign_anew(bundle, signer, "file")
    assert "does not fit its index" in refusal(bundle, signer.key)


def test_a_key_that_fits_every_signature_is_none(bundle: Path, signer: Signer) -> None:
    # The neutral element: with it as key and as signature, sloppy verifiers take any message.
    neutral = bytes([1]).ljust(32, b"\0")
    place = signature_place(bundle)
    data = bytearray(bundle.read_bytes())
    data[place.start : place.stop] = neutral + neutral + bytes(32)
    bundle.write_bytes(data)
    assert "does not fit" in refusal(bundle, signer.key)
    assert "does not fit" in refusal(bundle, PublicKey(value=neutral))


def test_every_flipped_bit_of_the_signature_is_noticed(bundle: Path, signer: Signer) -> None:
    whole = bundle.read_bytes()
    for place in signature_place(bundle):
        for bit in range(8):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            bundle.write_bytes(data)
            refusal(bundle, signer.key)
            # Without keys it is no question of trust, but damaged all the same.
            with pytest.raises(DamagedBundleError, match="signature"):
                BundleReader.open(bundle).verify_rest()


def test_nothing_is_decoded_before_the_signature_was_checked(
    bundle: Path, signer: Signer, other: Signer
) -> None:
    alter_index(bundle, b'"blacklist"', b'"blacklis"t')
    with pytest.raises(DamagedBundleError, match="not a valid index"):
        BundleReader.open(bundle)
    assert "does not fit" in refusal(bundle, signer.key)
    sign_anew(bundle, other)
    assert "is signed by" in refusal(bundle, signer.key)


def test_a_signed_bundle_with_volumes(tmp_path: Path, signer: Signer, other: Signer) -> None:
    path = tiny_bundle(tmp_path, volume_size=200, signer=signer)
    assert len(opened(path, signer.key).index.volumes) > 1
    assert "is signed by" in refusal(path, other.key)


def test_another_program_around_a_signed_index_is_noticed(
    tmp_path: Path, bundle: Path, signer: Signer
) -> None:
    """Whoever swaps the program can adapt all hashes but those in the index."""
    program = bundle.read_bytes()[: frame_of(bundle).trailer.payload_offset]
    (tmp_path / "evil").mkdir()
    evil = tiny_bundle(
        tmp_path / "evil", tiny_index(), program=program.replace(b"boot", b"BOOT"), signer=signer
    )
    own = BundleReader.open(evil).index.program_sha256.encode()
    alter_index(evil, own, BundleReader.open(bundle).index.program_sha256.encode())
    sign_anew(evil, signer)
    reader = opened(evil, signer.key)
    with pytest.raises(DamagedBundleError, match="is another than the index says"):
        reader.verify_rest()


def test_without_keys_every_intact_bundle_is_taken(bundle: Path) -> None:
    assert trust.judge_of(bundle) is None
    assert BundleReader.open(bundle).signature


@pytest.mark.parametrize("content", [None, b"\xff", b"ssh-ed25519 AAAA\n", b"ssh-rsa AAAA\n"])
def test_a_frozen_program_without_its_list_of_keys_does_not_go_on(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(trust, "__file__", str(tmp_path / "trust.pyc"))
    if content is not None:
        (tmp_path / "trusted_keys").write_bytes(content)
    with pytest.raises(DamagedBundleError, match="keys that this installer trusts"):
        trust.judge_of(bundle)
