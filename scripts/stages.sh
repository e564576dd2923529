# shellcheck shell=bash
# Sourced by scripts/test and .ci/run: stages with a time limit that print their seconds, and the compiler cache.

# Precompiled headers are cached only with these; paths relative to the checkout let a fresh clone hit, too.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# stage NAME LIMIT COMMAND...: fails as the command does, or with 124 past the limit (as for `timeout`: 10m).
stage() {
  local name=$1 limit=$2 began=$SECONDS status=0 foreground=()
  shift 2
  echo "== $name"
  # In the foreground, Ctrl-C ends the stage; in the background, the limit ends its children, too.
  [[ -t 0 ]] && foreground=(--foreground)
  timeout "${foreground[@]}" --kill-after=30s "$limit" "$@" || status=$?
  echo "== $name: $((SECONDS - began)) s$(stage_end "$status" "$limit")"
  return "$status"
}

stage_end() {
  case $1 in
    0) ;;
    124 | 137) echo ", cut off after $2" ;;
    *) echo ", failed ($1)" ;;
  esac
}
