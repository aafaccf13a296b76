"""Makes keys: ``keygen``."""

import os
from argparse import Namespace

from builder.console import Console
from builder.errors import ExitCode
from builder.signing import PASSWORD_VARIABLE, make_key, public_path


def keygen(options: Namespace, console: Console) -> ExitCode:
    """Make a key to sign with: FILE, and FILE.pub for those who check."""
    key = make_key(options.file)
    if not os.environ.get(PASSWORD_VARIABLE):
        console.warn(
            f"No password protects {options.file}: whoever reads it can sign. {PASSWORD_VARIABLE} "
            "gives one."
        )
    console.result(
        f"{options.file} and {public_path(options.file)} are ready: {key}.",
        path=str(options.file),
        public=str(public_path(options.file)),
        fingerprint=key.fingerprint,
    )
    return ExitCode.DONE
