"""A wheel of the bundle, as the ``installer`` library wants it."""

from collections.abc import Iterator
from typing import BinaryIO, cast

from installer.sources import WheelContentElement, WheelSource
from packaging.utils import parse_wheel_filename

from bootstrap.bundle.model import Wheel
from bootstrap.bundle.wheel import BundleWheel


class Source(WheelSource):
    """Hands out the wheel's files; whoever reads them finds out whether they are right.

    Args:
        wheel: the opened wheel.
        filename: its proper name, which gives the distribution's.
    """

    def __init__(self, wheel: BundleWheel, filename: str) -> None:
        distribution, version = filename.split("-")[:2]
        super().__init__(distribution, version)
        self._wheel = wheel

    @property
    def dist_info_dir(self) -> str:
        return self._wheel.dist_info

    @property
    def data_dir(self) -> str:
        return f"{self._wheel.dist_info.removesuffix('.dist-info')}.data"

    @property
    def dist_info_filenames(self) -> list[str]:
        prefix = f"{self._wheel.dist_info}/"
        paths = self._wheel.paths
        return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]

    def read_dist_info(self, filename: str) -> str:
        return self._wheel.content(f"{self._wheel.dist_info}/{filename}").read().decode("utf-8")

    def get_contents(self) -> Iterator[WheelContentElement]:
        # RECORD is not among them: installer makes it anew.
        for content in self._wheel.contents():
            row = (content.path, content.record_hash, str(content.size))
            yield row, cast("BinaryIO", content), content.executable


def wheel_scheme_name(wheel: Wheel) -> str:
    """The distribution's folder name below the environment's headers."""
    return parse_wheel_filename(wheel.filename)[0]
