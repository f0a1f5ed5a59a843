#!/bin/sh
# Makes the secrets of docker-compose.jobs.yml, once: sh deploy/compose-secrets.sh [FOLDER]. What is there is left as it is.
# Compose gives containers the files as they lie here, and their users are not yours: the folder is closed to others of
# this machine, the files in it are readable.
set -eu
to="${1:-secrets}"
here="$(dirname "$0")"
command -v openssl >/dev/null || { echo "compose-secrets: no openssl here; it makes the passwords" >&2; exit 2; }

umask 077
mkdir -p "$to"
chmod 700 "$to"

# Written whole or not at all: a half-made one would be kept.
put() { cat >"$to/.$1" && chmod 444 "$to/.$1" && mv -f "$to/.$1" "$to/$1"; }
sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -d" " -f1; }

if [ ! -e "$to/redis_users" ]; then
	records=$(openssl rand -hex 24) broker=$(openssl rand -hex 24) flower=$(openssl rand -hex 24)
	echo "redis://leadmill-records:$records@redis:6379/0" | put redis_url
	echo "redis://leadmill-broker:$broker@redis:6379/0" | put broker_url
	echo "redis://leadmill-flower:$flower@redis:6379/0" | put flower_url
	{
		sed "s/RECORDS_SHA256/$(sha256 "$records")/; s/BROKER_SHA256/$(sha256 "$broker")/" "$here/redis-users.acl"
		# Flower follows events, and reads the queues, where the broker's user writes.
		sed -nE "/^user leadmill-broker /{
			s/leadmill-broker/leadmill-flower/
			s/BROKER_SHA256/$(sha256 "$flower")/
			s/ ~(leadmill:(scraping|processing|analytics|maintenance)\*)/ %R~\1/g
			s/ resetchannels/ ~leadmill:celeryev.* resetchannels/
			p
		}" "$here/redis-users.acl"
		echo "user health on nopass resetkeys resetchannels -@all +ping"
	} | put redis_users
fi
[ -e "$to/signing_key" ] || openssl rand -hex 32 | put signing_key
[ -e "$to/flower_login" ] || echo "flower:$(openssl rand -hex 12)" | put flower_login
[ -e "$to/grafana_admin" ] || openssl rand -hex 12 | put grafana_admin
echo "compose-secrets: in $to: redis_url, broker_url, flower_url, redis_users, signing_key, flower_login, grafana_admin" >&2
