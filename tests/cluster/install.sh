#!/usr/bin/env bash
# Installs the named Debian packages where they are missing and this machine lets it; says which are missing afterwards, and fails then.
missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}") >/dev/null 2>&1 && exit 0
fi
echo "not installed, and not installable here: ${missing[*]}"
exit 1
