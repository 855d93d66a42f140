#!/bin/sh
# Creates bench/peers/.venv-fastapi with FastAPI, onnxruntime and an ONNX model equal in size to ours, which the other peers serve too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../.venv-fastapi"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$venv/bin/python" "$here/../flights/make_model.py" "$venv/flights.onnx"
