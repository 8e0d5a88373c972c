#!/bin/sh
# backup.sh                 a dump of each service's database in /backups; the newest seven of each stay
# backup.sh restore NAME    puts the newest dump of one in its place. End the service before, and start it again afterwards
set -eu

PGHOST=postgres PGUSER=automator PGDATABASE=postgres PGPASSWORD=$(cat /run/secrets/postgres_password)
export PGHOST PGUSER PGDATABASE PGPASSWORD
cd /backups

say() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"; }

backup() {
    # A service's own database has its name.
    for name in $(say --command='SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = rolname ORDER BY datname'); do
        # Under another name until it is whole: one that was cut off is never taken for a dump.
        pg_dump --format=custom --file="$name.part" "$name"
        pg_restore --list "$name.part" >/dev/null
        mv "$name.part" "$name.$(date -u +%Y%m%dT%H%M%SZ).dump"
        for old in $(ls -r "$name".*.dump | tail -n +8); do rm "$old"; done
        echo "$name: $(ls "$name".*.dump | tail -n 1)"
    done
}

# Into a database beside the old one, which then changes places with it: whoever is cut off has lost nothing. PostgreSQL refuses while a
# service is connected.
restore() {
    name=$1
    dump=$(ls "$name".*.dump 2>/dev/null | tail -n 1)
    if [ -z "$dump" ]; then
        echo "there is no dump of $name in /backups" >&2
        exit 66
    fi
    say --command="DROP DATABASE IF EXISTS ${name}_restored" --command="CREATE DATABASE ${name}_restored OWNER $name" \
        --command="REVOKE CONNECT ON DATABASE ${name}_restored FROM PUBLIC"
    pg_restore --dbname="${name}_restored" --exit-on-error "$dump"
    say --command="DROP DATABASE IF EXISTS ${name}_before"
    say --single-transaction --command="ALTER DATABASE $name RENAME TO ${name}_before" \
        --command="ALTER DATABASE ${name}_restored RENAME TO $name"
    echo "$name: $dump is in its place; what was there is ${name}_before"
}

case "$#:${1:-}:${2:-}" in
    0::) backup ;;
    2:restore:*[!a-z]* | 2:restore:) echo "a database's name is letters, not '$2'" >&2 && exit 64 ;;
    2:restore:*) restore "$2" ;;
    *) echo "backup.sh, or backup.sh restore NAME" >&2 && exit 64 ;;
esac
