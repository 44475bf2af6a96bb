# The slow parts of ./koto, read only when there is something to prepare. Each says in one line what it does and how long it took.
# Uses from ./koto: root, modules, stamps, install, node, say, fail.

now() { date +%s; }
took() { # took SINCE: «3 s», «2 min 5 s»
  set -- $(($(now) - $1))
  if [ "$1" -ge 60 ]; then printf '%s min %s s' $(($1 / 60)) $(($1 % 60)); else printf '%s s' "$1"; fi
}

# One preparer at a time; the second waits, then finds the work done. The kernel lets go of the lock when its holder dies, and npm,
# which inherits it, has ended. What apt starts may stay for ever, so it does not inherit it.
with_lock() { # with_lock FUNCTION
  mkdir -p "$root/.cache" 2>/dev/null || fail "cannot write in $root: it must be writable to install npm packages."
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$root/.cache/prepare.lock"
    if ! flock -n 9; then
      say "another koto is preparing this checkout; waiting for it."
      flock 9
    fi
    "$@"
    status=$?
    exec 9>&-
    return $status
  fi
  lock=$root/.cache/prepare.lock.d
  until mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/pid" 2>/dev/null || echo)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; else sleep 1; fi
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT INT TERM
  "$@"
  status=$?
  trap - EXIT INT TERM
  rm -rf "$lock"
  return $status
}

# ---- npm packages

npm_needed() {
  command -v node >/dev/null 2>&1 || fail "Koto needs Node 20 or newer with npm to begin: install them and run this again."
  node -e 'process.exit(+process.versions.node.split(".")[0] >= 18 ? 0 : 1)' ||
    fail "Koto needs Node 18 or newer to begin; this is $(node --version)."
  command -v npm >/dev/null 2>&1 || fail "Koto needs npm to begin, and there is only Node here: install npm and run this again."
}

# True when what stands in node_modules is what the lock file says (somebody ran npm by hand, or another checkout's stamp is gone).
installed_already() { [ -f "$modules/.package-lock.json" ] && node "$root/bin/installed.cjs" "$root"; }

stamp_packages() {
  mkdir -p "$stamps" && cp "$root/package-lock.json" "$stamps/package-lock.json.$$" &&
    mv "$stamps/package-lock.json.$$" "$stamps/package-lock.json"
}

do_packages() {
  if cmp -s "$root/package-lock.json" "$stamps/package-lock.json" 2>/dev/null && pinned_node; then return 0; fi
  if installed_already; then
    stamp_packages
    return 0
  fi
  say "installing npm packages (the lock file changed) …"
  since=$(now)
  log=$root/.cache/npm-ci.log
  if ! (cd "$root" && exec npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 </dev/null); then
    tail -n 15 "$log" >&2
    fail "npm ci failed after $(took "$since"); the whole output is in $log."
  fi
  stamp_packages || fail "cannot write in $modules."
  say "npm packages installed in $(took "$since")."
}

prepare_packages() {
  npm_needed
  # A checkout that belongs to somebody else is used as it stands.
  if [ ! -w "$root" ] && installed_already; then return 0; fi
  with_lock do_packages || exit 1
}

# ---- programs of the distribution

prepare_programs() { # prepare_programs "PACKAGE PACKAGE …"
  wanted=$(printf '%s\n' $1 | awk '!seen[$0]++' | tr '\n' ' ')
  wanted=${wanted% }
  order="apt-get install --no-install-recommends $wanted"
  if ! command -v apt-get >/dev/null 2>&1; then
    say "not found on this machine: $wanted (Debian's names). Install them with your package manager; going on with what is there."
    return 0
  fi
  if [ "$install" = no ]; then
    say "not installed, as told: $wanted. To install: $order"
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    say "to install what is missing: sudo $order"
    return 0
  fi
  with_lock do_programs
}

do_programs() {
  say "installing with apt: $wanted …"
  since=$(now)
  log=$root/.cache/apt.log
  export DEBIAN_FRONTEND=noninteractive
  apt="apt-get -y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold"
  : >"$log"
  if [ -z "$(ls /var/lib/apt/lists/*Packages* 2>/dev/null | head -n 1)" ]; then $apt update >>"$log" 2>&1 9>&- </dev/null; fi
  # shellcheck disable=SC2086 — lists of words
  if ! $apt install --no-install-recommends $wanted >>"$log" 2>&1 9>&- </dev/null; then
    $apt update >>"$log" 2>&1 9>&- </dev/null
    if ! $apt install --no-install-recommends $wanted >>"$log" 2>&1 9>&- </dev/null; then
      # One name that this release does not have must not cost the others.
      for package in $wanted; do
        $apt install --no-install-recommends "$package" >>"$log" 2>&1 9>&- </dev/null || say "apt cannot install $package; going on without it."
      done
    fi
  fi
  say "apt finished in $(took "$since")."
  hash -r 2>/dev/null || true
}

# ---- the web console

sources_sum() { # the content of everything the console is made of, in one word
  (cd "$root" && find web src/kernel/contract src/services/*/contract package-lock.json \
    \( -name node_modules -o -name dist -o -name test \) -prune -o -type f -print 2>/dev/null |
    LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum)
}

do_web() {
  sum=$(sources_sum)
  stamp=$root/web/dist/.koto-sources
  if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then
    touch "$stamp"
    return 0
  fi
  say "building the web console …"
  since=$(now)
  log=$root/.cache/web-build.log
  if (cd "$root" && PATH=$modules/.bin:$PATH exec npm run build -w web >"$log" 2>&1 </dev/null) && [ -f "$root/web/dist/index.html" ]; then
    printf '%s\n' "$sum" >"$stamp"
    say "web console built in $(took "$since")."
  else
    say "the web console could not be built ($(took "$since")); going on without it. Output: $log"
  fi
}

prepare_web() {
  if [ ! -w "$root" ]; then
    [ -f "$root/web/dist/index.html" ] || say "the web console is not built and this checkout cannot be written; going on without it."
    return 0
  fi
  npm_needed
  with_lock do_web
}
