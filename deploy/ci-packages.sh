#!/bin/sh
# Installs the Debian packages that tests use and that are not here; says what it leaves out where it cannot. Makes the
# user as whom root's tests run Chromium: root's own has no sandbox.
# Nothing but tests needs them: Leadmill itself runs with Python alone.
set -eu

# program  package  the tests that run it
needed='
chromium chromium tests/reports/test_page.py
curl curl tests/deploy/test_readme.py
git git tests/deploy/test_image.py
openssl openssl tests/deploy/test_broker_users.py
prometheus prometheus tests/deploy/monitoring
prometheus-alertmanager prometheus-alertmanager tests/deploy/monitoring
redis-server redis-server tests/deploy/test_broker_users.py
'

user=leadmill-chromium # docs/chromium.py
if command -v useradd >/dev/null && [ "$(id -u)" = 0 ] && ! id "$user" >/dev/null 2>&1; then
	useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
fi

missing="$(echo "$needed" | while read -r program package _; do
	[ -z "$program" ] || command -v "$program" >/dev/null || echo "$package"
done)"
[ -n "$missing" ] || exit 0
missing="$(echo $missing)" # in one line

if ! command -v apt-get >/dev/null; then
	echo "ci-packages: no apt-get here; left out: $missing" >&2
elif [ "$(id -u)" != 0 ]; then
	echo "ci-packages: only root may install; left out: $missing" >&2
else
	echo "ci-packages: installing $missing" >&2
	# Of some of them Debian would start a service at once, which takes its port; this file is asked before.
	policy="${POLICY:-/usr/sbin/policy-rc.d}"
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -qq
	# shellcheck disable=SC2086  # one word a package
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi
