from pathlib import Path

from builder.pack.contents import longest_of
from builder.wheels import read_wheel
from tests.support.small_stack import make_wheel


def test_what_a_program_opens_is_told_from_what_is_about_it(tmp_path: Path) -> None:
    files = {
        "demo/deep/module.py": b"",
        "demo-1.0.dist-info/licenses/third_party/LICENSE.txt": b"",
        "demo-1.0.data/purelib/demo/deeper/still/module.py": b"",
    }
    path = make_wheel(tmp_path, "demo", "1.0", files)
    footprint = read_wheel(path, path.name).footprint
    assert footprint.longest_path == "demo-1.0.dist-info/licenses/third_party/LICENSE.txt"
    longest = longest_of([footprint.longest_import, "demo/x.py"])
    assert (longest.path, longest.length) == ("demo/deeper/still/module.py", 27)
