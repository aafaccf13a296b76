"""A self-made certificate for code, and who looks at signatures made with it."""

import subprocess
from pathlib import Path

from tests.support.debian import require_debian

PASSWORD = "open sesame"  # noqa: S105 (of a key that lives as long as the tests)


def make_key(folder: Path) -> Path:
    """Certificate and key as PKCS#12; ``ca.pem`` beside it is who vouches for it."""
    require_debian("osslsigncode", "openssl")
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Tests"),
        *("-addext", "extendedKeyUsage=codeSigning"),
        *("-keyout", folder / "key.pem", "-out", folder / "ca.pem"),
    )
    openssl(
        *("pkcs12", "-export", "-inkey", folder / "key.pem", "-in", folder / "ca.pem"),
        *("-out", folder / "key.p12", "-passout", f"pass:{PASSWORD}"),
    )
    return folder / "key.p12"


def openssl(*more: str | Path) -> None:
    """Run openssl, which must succeed."""
    subprocess.run(["openssl", *more], check=True, capture_output=True)


def is_valid(path: Path, key: Path) -> bool:
    """Whether osslsigncode accepts the signature, which is over the whole file."""
    done = subprocess.run(
        ["osslsigncode", "verify", "-CAfile", key.with_name("ca.pem"), "-in", path],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and "Signature verification: ok" in done.stdout
