#!/bin/sh
# Writes PYTHON_IMAGE and VALKEY_IMAGE with the digests that their tags have now into .env, for docker-compose.jobs.yml.
# A tag moves, a digest does not: run it again to take a newer base, and keep .env with what you deploy.
set -eu
env="${1:-.env}"

pinned() { # name:tag -> name:tag@sha256:...
	digest="$(docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}')"
	case "$digest" in
	sha256:????????????????????????????????????????????????????????????????) echo "$1@$digest" ;;
	*) echo "pin: no digest of $1: $digest" >&2; exit 1 ;;
	esac
}

python="$(pinned python:3.11-slim)"
valkey="$(pinned valkey/valkey:9.1-alpine)"
touch "$env"
kept="$(grep -v -E '^(PYTHON|VALKEY)_IMAGE=' "$env" || true)"
{ [ -z "$kept" ] || printf '%s\n' "$kept"; printf 'PYTHON_IMAGE=%s\nVALKEY_IMAGE=%s\n' "$python" "$valkey"; } >"$env.new"
chmod 600 "$env.new"
mv "$env.new" "$env"
echo "pinned in $env: $python, $valkey"
