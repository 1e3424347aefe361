# shellcheck shell=bash
# What the end-to-end tests share. A test is a script that prints TAP: it sources this, calls is/like/ok, and ends with
# finish. $hapax is the program, $scratch a folder of its own that goes away, $data the shipped test data.
set -u
hapax=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hapax-e2e.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export TZ=UTC LC_ALL=C HAPAX_RULEBASE=$root/rulebase XDG_STATE_HOME=$scratch/state
number=0
failed=0

skip_all() {
  echo "1..0 # SKIP $1"
  exit 0
}

result() { # RESULT NAME [DETAILS]
  number=$((number + 1))
  if [ "$1" = 0 ]; then
    echo "ok $number - $2"
  else
    failed=$((failed + 1))
    echo "not ok $number - $2"
    [ -z "${3:-}" ] || printf '%s\n' "$3" | head -40 | sed 's/^/# /'
  fi
}

ok() { # NAME COMMAND…: the command succeeds
  local name=$1 output
  shift
  output=$("$@" 2>&1)
  result $? "$name" "$output"
}

is() { # NAME ACTUAL EXPECTED
  [ "$2" = "$3" ]
  result $? "$1" "$(printf 'got:      %s\nexpected: %s' "$2" "$3")"
}

like() { # NAME TEXT REGEX
  [[ $2 =~ $3 ]]
  result $? "$1" "$(printf 'got:      %s\nexpected: %s' "$2" "$3")"
}

# Runs hapax with stdin from nowhere: sets $out, $err and $code.
run_hapax() {
  "$hapax" "$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
  # shellcheck disable=SC2034  # all three are for the scripts that source this
  { code=$?; out=$(cat "$scratch/out"); err=$(cat "$scratch/err"); }
}

# wait_for SECONDS COMMAND…: until it succeeds, looking 20 times a second; fails when the time is over. The limit is a
# safety net for a broken build, not a measurement.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  while ! "$@" > /dev/null 2>&1; do
    [ $SECONDS -le $end ] || return 1
    read -rt 0.05 <> <(:) || true
  done
}

finish() {
  echo "1..$number"
  [ $failed = 0 ]
}
