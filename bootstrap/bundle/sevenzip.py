"""The names that 7-Zip shows of an archive. Only what our own container has is understood.

Source: 7-Zip's ``7zFormat.txt``.
"""

import io
import lzma
import struct

from bootstrap.bundle import layout

# Of the header; a thousand members take some 100 KB.
_LARGEST = 16 << 20
_START = struct.Struct("<6s2BIQQI")
_LZMA2, _COPY = 0x21, 0x00
# By this property a dictionary is 128 MiB, which nobody needs for a table.
_LARGEST_DICTIONARY = bytes([30])
_END, _HEADER, _STREAMS, _FILES, _PACKED, _UNPACKED, _SUBSTREAMS = 0, 1, 4, 5, 6, 7, 8
_SIZE, _CRC, _FOLDER, _UNPACK_SIZE, _COUNT, _NAMES, _ENCODED = 9, 10, 11, 12, 13, 17, 23


class ListingError(ValueError):
    """It is not the table of an archive as ours are."""


def read_names(file: io.RawIOBase) -> list[str]:
    """Names of all members, in the order of the archive.

    Args:
        file: the archive, from its first byte to its last.

    Raises:
        ListingError: the header cannot be understood.
        OSError: the file cannot be read.
    """
    file.seek(0)
    start = file.read(_START.size) or b""
    if len(start) != _START.size or start[:6] != layout.SEVEN_ZIP_SIGNATURE:
        raise ListingError("there is no signature")
    *_, offset, size, _ = _START.unpack(start)
    if not size:
        return []
    try:
        header = _Header(_part(file, offset, size))
        kind = header.number()
        if kind == _ENCODED:
            # Once, as it is written: one could lie inside itself, again and again.
            header = _Header(_decode(file, header))
            kind = header.number()
        if kind != _HEADER:
            raise ListingError(f"there is no header, but {kind}")
        return header.names()
    except (UnicodeDecodeError, lzma.LZMAError) as error:
        raise ListingError(str(error)) from error


def _part(file: io.RawIOBase, offset: int, size: int) -> bytes:
    if size > _LARGEST or offset > 1 << 62:
        raise ListingError(f"a header of {size:,} bytes at {offset:,}")
    file.seek(layout.SIGNATURE_HEADER_SIZE + offset)
    data = file.read(size) or b""
    if len(data) != size:
        raise ListingError("its header is cut off")
    return data


def _decode(file: io.RawIOBase, header: "_Header") -> bytes:
    """A header that is itself packed."""
    place, packed, coder, properties, unpacked = header.packed_header()
    data = _part(file, place, packed)
    if coder == _COPY:
        return data
    if coder != _LZMA2 or unpacked > _LARGEST or not b"\0" <= properties <= _LARGEST_DICTIONARY:
        raise ListingError(f"a header packed by {coder:#x}, of {unpacked:,} bytes")
    dictionary = (2 | (properties[0] & 1)) << (properties[0] // 2 + 11)
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": dictionary}]
    plain = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data, unpacked)
    if len(plain) != unpacked:
        raise ListingError("a packed header that is too short")
    return plain


class _Header:
    """Takes numbers and texts out of a header, from its beginning on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ListingError("its header ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        """Of 1 to 9 bytes: leading ones of the first say how many follow."""
        first = self._take(1)[0]
        extra = 8
        for bit in range(8):
            if not first & 0x80 >> bit:
                extra = bit
                break
        low = int.from_bytes(self._take(extra), "little")
        return low + ((first & (0x7F >> extra)) << (8 * extra))

    def expect(self, *kinds: int) -> int:
        """The next number, which must be one of these."""
        kind = self.number()
        if kind not in kinds:
            raise ListingError(f"{kind} where one of {kinds} should be")
        return kind

    def packed_header(self) -> tuple[int, int, int, bytes, int]:
        """Offset and size of a packed header, coder and its properties, size when unpacked."""
        place, sizes = self._pack_info()
        coder, properties, unpacked = self._unpack_info()
        if len(sizes) != 1:
            raise ListingError(f"a header in {len(sizes)} parts")
        return place, sizes[0], coder, properties, unpacked

    def _pack_info(self) -> tuple[int, list[int]]:
        self.expect(_PACKED)
        place, count = self.number(), self.number()
        sizes = list[int]()
        while (kind := self.expect(_SIZE, _CRC, _END)) != _END:
            if kind == _SIZE:
                sizes = [self.number() for _ in range(self._bounded(count))]
            else:
                self._digests(count)
        return place, sizes

    def _unpack_info(self) -> tuple[int, bytes, int]:
        self.expect(_UNPACKED)
        self.expect(_FOLDER)
        # One folder, which is described here, with one coder.
        if [self.number() for _ in range(3)] != [1, 0, 1]:
            raise ListingError("its members are packed in another way than ours")
        flags = self._take(1)[0]
        if flags & 0xD0:
            raise ListingError(f"a coder with flags {flags:#x}")
        coder = int.from_bytes(self._take(flags & 0xF), "big")
        properties = self._take(self.number()) if flags & 0x20 else b""
        self.expect(_UNPACK_SIZE)
        size = self.number()
        if self.expect(_CRC, _END) == _CRC:
            self._digests(1)
            self.expect(_END)
        return coder, properties, size

    def _digests(self, count: int) -> None:
        defined = count
        if not self._take(1)[0]:
            bits = self._take((self._bounded(count) + 7) // 8)
            defined = sum(byte.bit_count() for byte in bits)
        self._take(4 * defined)

    def _bounded(self, count: int) -> int:
        """A count of things that take at least a bit each."""
        if count > 8 * len(self._data):
            raise ListingError(f"{count:,} members in a header of {len(self._data):,} bytes")
        return count

    def names(self) -> list[str]:
        """Names in the order of the files."""
        if self.expect(_STREAMS, _FILES) == _STREAMS:
            self._pack_info()
            if self._unpack_info()[0] != _COPY:
                raise ListingError("its members are compressed")
            if self.expect(_SUBSTREAMS, _END) == _SUBSTREAMS:
                self._skip_substreams()
                self.expect(_END)
            self.expect(_FILES)
        count, names = self._bounded(self.number()), None
        while (kind := self.number()) != _END:
            data = self._take(self.number())
            if kind == _NAMES:
                if names is not None or data[:1] != b"\0":
                    raise ListingError("its names lie elsewhere")
                names = data[1:].decode("utf-16-le").split("\0")
        if names is None or len(names) != count + 1 or names[-1]:
            raise ListingError("it has not as many names as members")
        return names[:-1]

    def _skip_substreams(self) -> None:
        count = 1
        while (kind := self.expect(_COUNT, _SIZE, _CRC, _END)) != _END:
            if kind == _COUNT:
                count = self._bounded(self.number())
            elif kind == _SIZE:
                for _ in range(count - 1):
                    self.number()
            else:
                self._digests(count)
