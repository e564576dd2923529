#!/usr/bin/env bash
# Fails when clang-format would change a source file. Without the tool: skipped (77), but a failure in CI.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v clang-format-19 >/dev/null; then
  echo "clang-format-19 is missing: scripts/install-deps"
  [[ ${CI-} == true ]] && exit 1
  exit 77
fi
tops=()
for top in src cmd sandbox tests; do [[ -d $top ]] && tops+=("$top"); done
find "${tops[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 clang-format-19 --dry-run -Werror
