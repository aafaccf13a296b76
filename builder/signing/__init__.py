"""Signing: keys of the maker, and what is signed with them."""

from builder.signing.keys import PASSWORD_VARIABLE, Signer, load_signer, make_key, public_path
from builder.signing.sshsig import armor, read_armored
from builder.signing.terms import SigningTerms, read_terms, read_trusted

__all__ = [
    "PASSWORD_VARIABLE",
    "Signer",
    "SigningTerms",
    "armor",
    "load_signer",
    "make_key",
    "public_path",
    "read_armored",
    "read_terms",
    "read_trusted",
]
