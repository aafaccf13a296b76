"""Every rule by its id, with why it is there. What breaks them is in the other modules."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        why: what could happen else, one sentence for people.
        allowable: whether a manifest may let a wheel break it; never where the chain of hashes
            or the borders of the environment would end.
    """

    why: str
    allowable: bool = False


def _firm(**whys: str) -> dict[str, Rule]:
    return {rule.replace("_", "-"): Rule(why=why) for rule, why in whys.items()}


def _soft(**whys: str) -> dict[str, Rule]:
    return {rule.replace("_", "-"): Rule(why=why, allowable=True) for rule, why in whys.items()}


_NAMES = {
    **_firm(
        name_empty="A file without a name, or in a folder without one, is another file to each "
        "program.",
        name_dot="A path through '.' is another spelling of a path that may be there already.",
        name_traversal="A path through '..' leads out of the folder it is meant for.",
        name_absolute="An absolute path leads out of the folder it is meant for.",
        name_unc="A path that begins with two separators names another machine on Windows.",
        name_drive="A path with a drive leads out of the folder it is meant for on Windows.",
        name_stream="Behind a colon Windows writes into a hidden stream of another file.",
        name_backslash="A backslash is a separator on Windows and part of the name elsewhere.",
        name_nul="Programs end a name at a NUL byte, or do not.",
        name_control="Control characters and text direction marks forge what people read.",
        name_long="File systems hold names of 255 bytes, and paths must leave room for a target.",
        name_encoding="Programs do not agree on how to read a name that is not marked as UTF-8.",
        name_file_and_folder="One path cannot be a file and a folder.",
        duplicate="Of two members of one name, one program takes the first and another the last.",
    ),
    **_soft(
        name_reserved="Windows opens a device under this name, whatever comes behind the dot.",
        name_trailing="Windows cuts off dots and spaces at the end, which gives another name.",
        name_characters="Windows has no file names with these characters.",
        name_collision="Names equal but for case or Unicode form are one file on some systems.",
    ),
}

_ARCHIVE = {
    **_firm(
        archive_unreadable="It is no zip archive, or not all of one.",
        archive_appended="What is behind the archive's end is seen by other programs only.",
        archive_ends="With several ends, each program opens another archive.",
        archive_directory="The directory is not what the archive's end says of it.",
        archive_prepended="What is before the first member makes it another kind of file as well.",
        archive_size="A directory of this size is a bomb: no wheel has so many members.",
        several_disks="An archive on several disks cannot be read from one file.",
        zip64_forged="64-bit fields that contradict the others show each program another archive.",
        header_mismatch="A member's own header says something else than the directory: programs "
        "that read one see another file than those that read the other.",
        overlap="Members that share bytes are how a small file becomes an endless one.",
        name_differs="A second name in an extra field is what some programs unpack it as.",
        encrypted="What is encrypted cannot be vetted.",
        method_unsupported="Members are stored, deflated or compressed by Zstandard; others "
        "cannot be read where it is installed.",
        size_forged="A member has another size than announced.",
        bomb="It unpacks to far more than any wheel does.",
        content_damaged="A member cannot be unpacked.",
        crc_wrong="The checksum is of another content: other programs refuse it.",
        file_type="Links, devices and the like reach out of the folder; a wheel has files only.",
        folder_content="A folder has no content; a file's name does not end in a slash.",
    ),
    **_soft(
        archive_comment="A comment can hide a second archive.",
        archive_gap="Bytes between members are seen by no program, or by one that searches for "
        "headers.",
        data_descriptor="Behind the member stands something else than its sizes, so that a "
        "program that reads forward loses its way.",
        extra_malformed="Extra fields that cannot be taken apart are read differently by each "
        "program.",
        trailing_data="Behind the end of a compressed member lie bytes that belong to nothing.",
        polyglot="It is also a file of another kind, which scanners may take it for.",
    ),
}

_RECORD = {
    **_firm(
        record_missing="Without RECORD nothing says what the files must be.",
        record_unreadable="A RECORD that is no table says nothing.",
        record_unlisted="Nothing vouches for a file without a row.",
        record_absolute="A row that leads out of the environment would be removed with it.",
        record_no_hash="Nothing vouches for a file without a hash.",
        record_weak_hash="Only SHA-256, SHA-384 and SHA-512 vouch for a file: others can be met on "
        "purpose.",
        record_hash="A file is not what its row says.",
        record_size="A file has not the size that its row says.",
        record_signature="RECORD.jws and RECORD.p7s can have no row that is true, so nothing "
        "vouches for them.",
    ),
    **_soft(
        record_phantom="A row without a file: it would be missed, or claimed from others.",
        record_duplicate="Two rows of one file may say different things.",
    ),
}

_METADATA = {
    **_firm(
        wheel_name="The file name is not that of a wheel.",
        dist_info_count="Two .dist-info folders are two distributions, of which one is not locked.",
        metadata_missing="Without METADATA, or WHEEL, it is no wheel.",
        metadata_unreadable="It cannot be taken apart, or is larger than any.",
        wheel_version="Wheels of another major version are installed in another way.",
        entry_points_unreadable="Entry points that cannot be taken apart are read differently by "
        "each program.",
        entry_point_name="A script's name must be that of one file in the folder of scripts.",
        entry_point_target="What a script calls becomes program text, so it must be names only.",
        data_folder="A .data folder of another name is installed where nobody looks.",
        data_scheme="Files go to purelib, platlib, headers, scripts or data, and nowhere else.",
        environment_overwritten="It would take the place of the interpreter, of what starts it, or "
        "of the evidence.",
    ),
    **_soft(
        dist_info_name="The .dist-info folder is that of another name or version than the file.",
        metadata_name="METADATA states another name or version than the file, or several.",
        startup_code="It would run by itself at every start of Python, asked for or not.",
    ),
}

_INDEX = _firm(
    index_duplicate="Two entries of one name: which is installed would be chance.",
    index_outside="An entry lies outside the payload.",
    index_overlap="Two entries share bytes, so one of them is not what it says.",
    index_entry_name="An entry is not named after what it holds.",
    index_wheel_name="A wheel's file name is of another name or version than the index says.",
    index_unlisted="Something is stored that the index does not list, or the other way round.",
    index_numbers="A size or count that nothing real has.",
    index_hash="A hash that is none compares with nothing.",
    index_text="A text that is unfit to be shown, or to become part of a path.",
    index_volumes="Volumes are numbered from 001 on, in order, and have one name.",
    index_version="A version that is none can neither be compared nor be named in a path.",
    index_document="Documents go into one folder, each under its own name.",
    index_evidence="Evidence lies at most one folder deep, under names that every system takes.",
    index_allowance="An allowance for something that cannot be allowed.",
)

_TAR = _firm(
    tar_type="A runtime has files, folders and links only.",
    tar_link="A link leads out of the runtime.",
    tar_header="Names and the like are held in memory, so a long one is a bomb.",
    tar_count="It has far more members than any Python.",
    tar_size="It unpacks to far more than any Python.",
)

RULES: Mapping[str, Rule] = {**_NAMES, **_ARCHIVE, **_RECORD, **_METADATA, **_INDEX, **_TAR}
