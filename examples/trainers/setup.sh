#!/bin/sh
# Makes a Python environment with everything that the three programs need, pinned: ./setup.sh [DIRECTORY], .venv by default.
# With --without-tensorflow it does without Keras, which is most of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tensorflow=yes
if [ "${1:-}" = "--without-tensorflow" ]; then tensorflow=no; shift; fi
venv=${1:-$here/.venv}
[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile -r "$here/$1"; }
install requirements.txt
if [ $tensorflow = yes ]; then install requirements-tensorflow.txt; fi
