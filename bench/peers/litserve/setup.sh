#!/bin/sh
# Creates bench/peers/.venv-litserve with LitServe and onnxruntime.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../.venv-litserve"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
touch "$venv/installed"
