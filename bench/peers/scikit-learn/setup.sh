#!/bin/sh
# Makes the Python environment of the scikit-learn peer: bench/peers/.venv-scikit-learn, with the pinned versions beside this file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../.venv-scikit-learn"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
