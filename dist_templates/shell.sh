#!/bin/sh
# A shell in which python is that of $product $version ($variant).
# Arguments go to the shell, as in: shell.sh -c 'python --version'
here=$$(dirname -- "$$(readlink -f -- "$$0")")
if [ ! -x "$$here/.venv/bin/python" ]; then
    echo "$$0: there is no environment in $$here; install with $installer first." >&2
    exit 1
fi
unset PYTHONHOME PYTHONPATH
VIRTUAL_ENV=$$here/.venv
PATH=$$VIRTUAL_ENV/bin:$$PATH
export VIRTUAL_ENV PATH
if command -v bash > /dev/null; then
    # Not ~/.bashrc, where other environments put their own python first.
    exec bash --rcfile "$$VIRTUAL_ENV/bin/activate" "$$@"
fi
exec /bin/sh "$$@"
