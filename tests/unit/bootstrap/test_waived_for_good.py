"""The blacklist on the machine that is installed on: waivers count, and clocks do not."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from packaging.version import Version

from bootstrap.bundle.model import Index, decode_index, encode_index
from bootstrap.bundle.policy import BlacklistRule, Excluded, Waived, Waiver
from bootstrap.errors import VerificationError
from bootstrap.generation import Generation
from bootstrap.verify import require_nothing_banned
from tests.support.tiny_bundle import tiny_index

# Long ago, whatever day it is.
EXPIRES = date(1999, 12, 31)


def rule(versions: str = "", specifier: str | None = None) -> BlacklistRule:
    waiver = Waiver(versions=versions, reason="It was needed.", expires=EXPIRES)
    return BlacklistRule(
        name="torchao", modules=("torchao",), specifier=specifier, reason="No.", waiver=(waiver,)
    )


def with_rules(*rules: BlacklistRule) -> Index:
    return msgspec.structs.replace(
        tiny_index(),
        blacklist=rules,
        waived=(
            Waived(
                name="torchao",
                version="0.18",
                module=None,
                rule="torchao",
                reason="It was needed.",
                expires=EXPIRES,
            ),
        ),
        excluded=(Excluded(name="xformers", reason="r", wanted_by=("unsloth",)),),
    )


def test_the_index_keeps_waivers_and_exclusions() -> None:
    one = msgspec.structs.replace(rule(), waiver=rule().waivers[0])
    index = with_rules(rule("==0.18"), one)
    assert decode_index(encode_index(index)) == index
    assert one.waivers == rule().waivers


@pytest.mark.parametrize(
    ("versions", "version", "banned"),
    [
        ("", "0.18", False),
        ("==0.18", "0.18", False),
        ("==0.18", "0.18.post1", True),
        ("<1", "0.19.dev3", False),
        ("==0.18", "0.17", True),
    ],
)
def test_the_waived_version_alone_is_let_in(versions: str, version: str, *, banned: bool) -> None:
    assert rule(versions).bans("torchao", Version(version)) is banned


def test_several_waivers_add_up() -> None:
    both = msgspec.structs.replace(
        rule(), waiver=(*rule("==0.17").waivers, *rule("==0.18").waivers)
    )
    banned = [text for text in ("0.16", "0.17", "0.18") if both.bans("torchao", Version(text))]
    assert banned == ["0.16"]


def test_of_two_waivers_the_one_that_lasts_longer_counts() -> None:
    later = Waiver(reason="r", expires=date(2030, 1, 1))
    both = msgspec.structs.replace(rule(), waiver=(*rule().waivers, later))
    assert both.waiver_for(Version("1")) == later


@pytest.mark.parametrize(
    ("of", "installed", "banned"),
    [
        (rule("==0.18"), "torchao-0.18", False),
        (rule("==0.18"), "torchao-0.17", True),
        (rule("==0.18"), "torchao-who_knows", True),
        (rule(), "torchao-who_knows", False),
        (rule("==0.18", "<9"), "torchao-who_knows", False),
        (rule("==0.18", "<9"), "torchao-1", True),
    ],
)
def test_verifying_lets_in_what_the_builder_let_in(
    tmp_path: Path, of: BlacklistRule, installed: str, *, banned: bool
) -> None:
    index = with_rules(of)
    generation = Generation.of(tmp_path, "one", index)
    (generation.site_packages / f"{installed}.dist-info").mkdir(parents=True)
    if banned:
        with pytest.raises(VerificationError, match=installed.replace("-", " ")):
            require_nothing_banned(index, generation)
    else:
        require_nothing_banned(index, generation)
