"""What is let in: one set of rules for whoever builds a bundle and for whoever installs it.

The rules, with their reasons, are in :mod:`~bootstrap.bundle.vetting.rules`; every refusal is a
:class:`~bootstrap.bundle.vetting.findings.VettingError` that tells all that was found.
"""
