from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bootstrap.registration import Place, Registration
from tests.support.generations import installed, make_generation
from tests.support.tiny_bundle import tiny_index

USUAL = Path("C:\\Users\\me\\AppData\\Local\\LLMSetup")


def registration(target: str) -> Registration:
    return Registration(
        product="LLMSetup",
        target=Path(target),
        version="1.2.0",
        variant="cu124",
        company="Example & Söhne",
        size=6_670_000_000,
        installed=datetime(2026, 11, 24, 23, 30, tzinfo=UTC),
    )


def test_the_list_of_programs_gets_all_it_shows() -> None:
    values = registration("D:\\my models").values
    command = '"D:\\my models\\uninstall.exe" --uninstall --target "D:\\my models"'
    assert values == {
        "DisplayName": "LLMSetup (cu124)",
        "DisplayVersion": "1.2.0",
        "Publisher": "Example & Söhne",
        "InstallLocation": "D:\\my models",
        "InstallDate": "20261124",
        "EstimatedSize": 6_513_671,
        "DisplayIcon": "D:\\my models\\uninstall.exe",
        "UninstallString": command,
        "QuietUninstallString": f"{command} --silent",
        "NoModify": 1,
        "NoRepair": 1,
    }


def test_one_key_for_each_folder_however_it_is_written() -> None:
    assert registration("C:\\LLM").key == registration("c:\\llm").key
    assert registration("C:\\LLM").key != registration("D:\\LLM").key
    assert registration("C:\\LLM").key.startswith("LLMSetup-")


@pytest.mark.parametrize(
    ("spelled", "found"),
    [
        ("", "llm"),
        # As with a short name, or a letter from SUBST, that is still there.
        ("link", "link"),
        # As after it was moved.
        ("gone", "gone"),
        # As after it was copied: that entry is the other's.
        ("other", "llm"),
    ],
)
def test_it_is_found_as_it_was_spelled(tmp_path: Path, spelled: str, found: str) -> None:
    target = tmp_path / "llm"
    generation = make_generation(target, "g1", "folder")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "other").mkdir()
    place = str(tmp_path / spelled) if spelled else ""
    known = msgspec.structs.replace(installed(generation), place=place)
    assert Place.of_installed(known, target) == Place(product="P", target=tmp_path / found)


def test_what_a_bundle_registers(tmp_path: Path) -> None:
    index, known = tiny_index(), installed(make_generation(tmp_path, "g1", "folder"))
    made = Registration.of(index, known, tmp_path)
    assert (made.product, made.company, made.size) == (index.product, index.company, 1500)
    assert made.key == Place(product=index.product, target=tmp_path).key


def test_the_menu_names_the_place_unless_it_is_the_usual_one() -> None:
    assert registration(str(USUAL).lower()).menu(USUAL) == "LLMSetup"
    assert registration("D:\\my models").menu(USUAL) == "LLMSetup (D my models)"
    assert registration("\\\\server\\share\\x").menu(USUAL) == "LLMSetup (server share x)"
    long = registration("D:\\" + "deep\\" * 40).menu(USUAL)
    assert len(long) < 100
    assert not set('<>:"/\\|?*') & set(long)
