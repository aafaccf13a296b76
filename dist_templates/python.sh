#!/bin/sh
# Runs the Python of $product $version ($variant), whatever else is installed.
here=$$(dirname -- "$$(readlink -f -- "$$0")")
if [ ! -x "$$here/.venv/bin/python" ]; then
    echo "$$0: there is no environment in $$here; install with $installer first." >&2
    exit 1
fi
unset PYTHONHOME PYTHONPATH
exec "$$here/.venv/bin/python" "$$@"
