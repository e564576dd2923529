#!/usr/bin/env bash
# Runs shellcheck on every shell script (sourced files: beside it, one folder up, or from the top). Without the tool: skipped (77), but a failure in CI.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v shellcheck >/dev/null; then
  echo "shellcheck is missing: scripts/install-deps"
  [[ ${CI-} == true ]] && exit 1
  exit 77
fi
tops=()
for top in scripts .ci tests completions packaging; do [[ -d $top ]] && tops+=("$top"); done
grep -rlIE -m1 --exclude-dir=data --exclude-dir=golden '^(#!(/bin/sh|/usr/bin/env (ba)?sh|/bin/bash)|# shellcheck shell=)' \
  "${tops[@]}" | xargs shellcheck -x -P SCRIPTDIR:SCRIPTDIR/..:.
