# Sourced with $root set: makes sure that the packages of package-lock.json are installed, then sets $node.

installation_is_current() {
  [ -x "$root/node_modules/node/bin/node" ] &&
    [ -f "$root/node_modules/.package-lock.json" ] &&
    ! [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]
}

install_packages() {
  command -v npm >/dev/null 2>&1 || {
    echo 'checkvalve: npm is not on the PATH; install Node.js 20 or newer and try again.' >&2
    exit 1
  }
  echo "checkvalve: installing packages in $root (npm ci) ..." >&2
  (cd "$root" && npm ci --no-audit --no-fund >&2) || {
    echo 'checkvalve: npm ci failed, see above; nothing was started.' >&2
    exit 1
  }
}

# Two commands on a fresh clone must not install at once: npm ci begins by deleting node_modules.
install_once() {
  lock="$root/.tmp/installing"
  mkdir -p "$root/.tmp"
  nameless=0
  until mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/pid" 2>/dev/null) || holder=
    [ -n "$holder" ] || nameless=$((nameless + 1))
    # Left behind by a process that was killed, perhaps before it could write its name.
    if [ "$nameless" -gt 5 ] || { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; }; then
      rm -rf "$lock"
    else
      sleep 1
    fi
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT TERM HUP
  installation_is_current || install_packages
  trap - EXIT INT TERM HUP
  rm -rf "$lock"
}

installation_is_current || install_once
node="$root/node_modules/node/bin/node"
PATH="$root/node_modules/.bin:$PATH"
export PATH
