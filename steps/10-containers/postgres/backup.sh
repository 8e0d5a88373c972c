#!/bin/sh
# backup.sh                      a dump of each service's database in /backups; the newest seven of each stay
# backup.sh restore NAME         puts the newest dump of one in its place. End the service before, and start it again afterwards
# backup.sh restore NAME FILE    the same with an older one, NAME.….dump
set -eu

PGHOST=postgres PGUSER=automator PGDATABASE=postgres PGPASSWORD=$(cat /run/secrets/postgres_password)
export PGHOST PGUSER PGDATABASE PGPASSWORD
cd /backups
now=$(date -u +%Y%m%dt%H%M%Sz)

say() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"; }

backup() {
    # Those of the services: what a restore has put aside is nobody's.
    names=$(say --command="SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
        WHERE rolname <> 'automator' AND datname !~ '_(restored|before_)' ORDER BY datname")
    if [ -z "$names" ]; then
        echo "no service has a database here" >&2
        exit 1
    fi
    for name in $names; do
        # Under another name until it is whole: one that was cut off is never taken for a dump.
        pg_dump --format=custom --file="$name.part" "$name"
        pg_restore --list "$name.part" >/dev/null
        mv "$name.part" "$name.$now.dump"
        for old in $(ls -r "$name".*.dump | tail -n +8); do rm "$old"; done
        echo "$name: $name.$now.dump"
    done
}

# Into a database beside the old one, which then changes places with it: whoever is cut off has lost nothing, and what was there stays.
# PostgreSQL refuses while a service is connected.
restore() {
    name=$1 dump=$2 owner=$(say --command="SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = '$1'")
    say --command="DROP DATABASE IF EXISTS ${name}_restored" --command="CREATE DATABASE ${name}_restored OWNER $owner" \
        --command="REVOKE CONNECT ON DATABASE ${name}_restored FROM PUBLIC"
    pg_restore --dbname="${name}_restored" --exit-on-error "$dump"
    # An older feed must not give positions that its readers have passed already: docs/decisions/0043.
    if [ "$name" = feed ]; then
        say --dbname=feed_restored --command='UPDATE head SET position = position + 1000000000'
    fi
    say --single-transaction --command="ALTER DATABASE $name RENAME TO ${name}_before_$now" \
        --command="ALTER DATABASE ${name}_restored RENAME TO $name"
    echo "$name: $dump is in its place; what was there is ${name}_before_$now"
}

case "$#:${1:-}:${2:-}:${3:-}" in
    0:*) backup ;;
    [23]:restore:*[!a-z_]*:* | [23]:restore::*) echo "a database's name is letters, not '$2'" >&2 && exit 64 ;;
    [23]:restore:*)
        dump=${3:-$(ls "$2".*.dump 2>/dev/null | tail -n 1)}
        if [ ! -f "$dump" ]; then
            echo "there is no dump ${3:-of $2} in /backups" >&2
            exit 66
        fi
        restore "$2" "$dump"
        ;;
    *) echo "backup.sh, or backup.sh restore NAME [FILE]" >&2 && exit 64 ;;
esac
