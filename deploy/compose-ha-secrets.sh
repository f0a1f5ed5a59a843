#!/bin/sh
# Makes the secrets of docker-compose.ha.yml, once, from those of compose-secrets.sh: sh deploy/compose-ha-secrets.sh [FOLDER].
# They lie in FOLDER/ha: the same users and passwords, named by their Sentinels, and users for replicas and Sentinels.
set -eu
from="${1:-secrets}"
to="$from/ha"
[ -e "$from/redis_users" ] || { echo "compose-ha-secrets: run deploy/compose-secrets.sh first" >&2; exit 2; }

umask 077
mkdir -p "$to"
chmod 700 "$to"
put() { cat >"$to/.$1" && chmod 444 "$to/.$1" && mv -f "$to/.$1" "$to/$1"; }
sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -d" " -f1; }

if [ ! -e "$to/redis_users" ]; then
	replica=$(openssl rand -hex 24) watcher=$(openssl rand -hex 24) peer=$(openssl rand -hex 24) asker=$(openssl rand -hex 24)
	hosts="sentinel-1:26379,sentinel-2:26379,sentinel-3:26379"
	for url in redis_url broker_url flower_url; do
		sed "s|^redis://|sentinel://|; s|@redis:6379/0$|@$hosts/0?master=leadmill\&sentinel_username=asker\&sentinel_password=$asker|" \
			"$from/$url" | put "$url"
	done
	# What a primary and its replicas are told beside their command, and whichever of them may become.
	put redis_replication <<END
masteruser leadmill-replica
masterauth $replica
min-replicas-to-write 1
min-replicas-max-lag 3
END
	# A Sentinel writes its own copy on. Whoever asks may ask and nothing else.
	put redis_sentinel <<END
port 26379
dir /data
user default off
user health on nopass resetkeys resetchannels -@all +ping
user asker on #$(sha256 "$asker") resetkeys resetchannels -@all +ping +sentinel|master +sentinel|masters +sentinel|get-master-addr-by-name
user peer on #$(sha256 "$peer") ~* &* +@all
sentinel sentinel-user peer
sentinel sentinel-pass $peer
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor leadmill redis 6379 2
sentinel auth-user leadmill leadmill-sentinel
sentinel auth-pass leadmill $watcher
sentinel down-after-milliseconds leadmill 3000
sentinel failover-timeout leadmill 10000
END
	{
		cat "$from/redis_users"
		echo "user leadmill-replica on #$(sha256 "$replica") resetkeys resetchannels -@all +ping +psync +replconf"
		echo "user leadmill-sentinel on #$(sha256 "$watcher") resetkeys allchannels -@all +ping +info +role +multi +exec +replicaof +slaveof +config|rewrite +client|setname +client|kill +script|kill +subscribe +publish"
	} | put redis_users
fi
echo "compose-ha-secrets: in $to: redis_url, broker_url, flower_url, redis_users, redis_replication, redis_sentinel" >&2
