#!/usr/bin/env bash
# Fails when mandoc or man has a word to say about a manual page. Without the tools: skipped (77), but a failure in CI.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in mandoc man; do
  command -v "$tool" >/dev/null && continue
  echo "$tool is missing: scripts/install-deps"
  [[ ${CI-} == true ]] && exit 1
  exit 77
done
said=$(mandoc -T lint man/*.1 || true)
for page in man/*.1; do
  said+=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null || true)
  while read -r name; do
    [[ -f man/$name.1 ]] || said+="$page names $name(1), which does not exist"$'\n'
  done < <(grep '^\.BR kubectl\\-wukong' "$page" | sed 's/^\.BR //; s/ .*//; s/\\//g')
done
[[ -z $said ]] && exit 0
echo "$said"
exit 1
