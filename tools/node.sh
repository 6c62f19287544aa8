#!/bin/sh
# Runs a file with the pinned Node.js: sh tools/node.sh bench/run.ts [arguments]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)

. "$root/tools/installed.sh"

exec "$node" "$@"
