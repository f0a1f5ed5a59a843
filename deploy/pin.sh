#!/bin/sh
# Writes the images of docker-compose.jobs.yml with the digests that their tags have now into .env: PYTHON_IMAGE, ...
# A tag moves, a digest does not: run it again to take a newer base, and keep .env with what you deploy.
set -eu
env="${1:-.env}"

# variable  name:tag, as compose has it
images='
PYTHON_IMAGE python:3.11-slim
VALKEY_IMAGE valkey/valkey:9.1-alpine
PROMETHEUS_IMAGE prom/prometheus:v3.13.3
ALERTMANAGER_IMAGE prom/alertmanager:v0.34.1
GRAFANA_IMAGE grafana/grafana:13.2.3
'

pinned() { # name:tag -> name:tag@sha256:...
	digest="$(docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}')"
	case "$digest" in
	sha256:????????????????????????????????????????????????????????????????) echo "$1@$digest" ;;
	*) echo "pin: no digest of $1: $digest" >&2; exit 1 ;;
	esac
}

lines=
names=
while read -r variable image; do
	[ -n "$variable" ] || continue
	lines="$lines$variable=$(pinned "$image" </dev/null)
"
	names="$names${names:+|}$variable"
done <<END
$images
END
touch "$env"
kept="$(grep -v -E "^($names)=" "$env" || true)"
{ [ -z "$kept" ] || printf '%s\n' "$kept"; printf %s "$lines"; } >"$env.new"
chmod 600 "$env.new"
mv "$env.new" "$env"
printf 'pinned in %s:\n%s' "$env" "$lines"
