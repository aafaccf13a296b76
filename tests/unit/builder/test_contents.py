from pathlib import Path

from builder.pack.contents import is_metadata, longest_path
from builder.wheels import read_wheel
from tests.support.small_stack import make_wheel


def test_what_a_program_opens_is_told_from_what_is_about_it(tmp_path: Path) -> None:
    files = {
        "demo/deep/module.py": b"",
        "demo-1.0.dist-info/licenses/third_party/LICENSE.txt": b"",
        "demo-1.0.data/purelib/demo/deeper/still/module.py": b"",
    }
    path = make_wheel(tmp_path, "demo", "1.0", files)
    wheels = [read_wheel(path, path.name)]
    assert longest_path(wheels).path == "demo-1.0.dist-info/licenses/third_party/LICENSE.txt"
    imported = longest_path(wheels, leaving_out=is_metadata)
    assert (imported.path, imported.length) == ("demo/deeper/still/module.py", 27)
