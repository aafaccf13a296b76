"""Keys to sign with, and what somebody without the right one might do to a bundle."""

from dataclasses import replace
from pathlib import Path

from bootstrap.bundle import layout
from bootstrap.bundle.frame import Frame, read_frame
from bootstrap.bundle.signature import INDEX_NAMESPACE, SIGNATURE_SIZE, Signature
from builder.signing import Signer, load_signer, make_key


def new_signer(folder: Path, name: str = "release") -> Signer:
    """Make a key there; its comment is its name."""
    make_key(folder / name)
    return load_signer(folder / name)


def strip(path: Path) -> None:
    """Take the signature away."""
    _put(path, None)


def sign_anew(path: Path, signer: Signer, namespace: str = INDEX_NAMESPACE) -> None:
    """Sign a finished bundle, instead of whoever has."""
    frame = frame_of(path)
    index = path.read_bytes()[frame.trailer.index_offset :][: frame.trailer.index_size]
    _put(path, signer.sign(index, namespace))


def alter_index(path: Path, old: bytes, new: bytes) -> None:
    """Change the index and all hashes of it; the signature stays as it is."""
    assert len(old) == len(new)
    frame, data = frame_of(path), bytearray(path.read_bytes())
    start, size = frame.trailer.index_offset, frame.trailer.index_size
    index = bytes(data[start : start + size])
    assert old in index
    index = index.replace(old, new, 1)
    data[start : start + size] = index
    path.write_bytes(data)
    _write_trailer(path, frame, replace(frame.trailer, index_sha256=layout.sha256_hex(index)))


def signature_place(path: Path) -> range:
    """The bytes of the file that hold the signature: first the key, then its value."""
    end = frame_of(path).pkg_begin
    return range(end - SIGNATURE_SIZE, end)


def frame_of(path: Path) -> Frame:
    with path.open("rb") as file:
        return read_frame(file, path)


def _put(path: Path, signature: Signature | None) -> None:
    frame = frame_of(path)
    _write_trailer(path, frame, replace(frame.trailer, signature=signature))


def _write_trailer(path: Path, frame: Frame, trailer: layout.Trailer) -> None:
    with path.open("r+b") as file:
        file.seek(frame.pkg_begin - layout.TRAILER_SIZE)
        file.write(layout.pack_trailer(trailer))
