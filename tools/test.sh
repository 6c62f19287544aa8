#!/bin/sh
# Everything that must hold: types, lint and tests. With file patterns as arguments, only those tests.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)

. "$root/tools/installed.sh"

cd "$root"
exec "$node" tools/test.ts "$@"
