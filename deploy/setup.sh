#!/bin/sh
# Makes .venv from requirements.lock: pip brings uv (a wheel, by hash), uv brings the rest.
set -eu
python="${PYTHON:-python3}"

fail() { echo "setup: $1" >&2; exit 2; }

command -v "$python" >/dev/null || fail "no $python here; install Python 3.11 or later, or run: make setup PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$("$python" --version) is too old; Leadmill needs 3.11 or later (make setup PYTHON=...)"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "this Python cannot make virtual environments; on Debian or Ubuntu: apt-get install python3-venv"

[ -x .venv/bin/python ] || "$python" -m venv .venv
pins="$(mktemp)"
trap 'rm -f "$pins"' EXIT
# The one entry of the lock that names uv, hashes included.
awk '/^[a-zA-Z0-9]/ { keep = ($0 ~ /^uv==/) } keep' requirements.lock >"$pins"
if .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$pins" 2>/dev/null \
	&& .venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock; then
	:
else
	echo "setup: uv could not install here; trying pip (slower)" >&2
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
# A start that must compile what it imports takes three times as long, and where PYTHONDONTWRITEBYTECODE is set each does.
.venv/bin/python -m compileall -q leadmill data pipelines reports extraction tasks api cli
