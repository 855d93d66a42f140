#!/bin/sh
# Creates bench/peers/.venv-ray-serve with Ray Serve and onnxruntime.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../.venv-ray-serve"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
touch "$venv/installed"
