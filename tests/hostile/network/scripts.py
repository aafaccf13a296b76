"""All scripts."""

from itertools import chain

from tests.hostile.network import leading, listings, resuming, transfers
from tests.hostile.network.script import Script


def all_scripts() -> list[Script]:
    """They are the same each time; no two have the same name."""
    return list(
        chain(
            transfers.slow(),
            transfers.short(),
            transfers.lengths(),
            transfers.busy(),
            transfers.other_bytes(),
            transfers.compressed(),
            transfers.odd_answers(),
            resuming.ranges_ignored(),
            resuming.wrong_parts(),
            resuming.changes(),
            resuming.too_much(),
            leading.redirects(),
            leading.logins(),
            leading.names(),
            leading.other_indexes(),
            leading.links(),
            leading.certificates(),
            listings.pages(),
            listings.odd_values(),
            listings.html_pages(),
            listings.large_pages(),
            listings.provenances(),
        )
    )
