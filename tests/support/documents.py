"""What the builder could fill the templates for the user with."""

TEMPLATE_VALUES = {
    "product": "LLMSetup",
    "version": "1.0.0",
    "variant": "cu124",
    "company": "Example",
    "installer": "LLMSetup-cu124.run",
    "carry": "Carry this one file; it needs no other.",
    "target": "linux_x86_64",
    "disk_need": "6.67 GB",
    "driver_line": "Needs a driver.",
    "glibc": "2.28",
    "package_table": "torch          torch                              2.6.0",
}
