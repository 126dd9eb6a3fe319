#!/usr/bin/env bash
# Print the path of an OPA: the one in .tools/bin or on the PATH when it is of the pinned version, else one built from
# its Go module. The Go checksum database proves the module; no binary is downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.22.2
tools="$PWD/.tools/bin"
for candidate in "$tools/opa" "$(command -v opa || true)"; do
  if [ -x "$candidate" ] && "$candidate" version 2>/dev/null | grep -qx "Version: $version"; then
    echo "$candidate"
    exit 0
  fi
done
command -v go >/dev/null || { echo "OPA $version is neither in .tools/bin nor on the PATH, and there is no Go to build it with" >&2; exit 1; }
mkdir -p "$tools"
echo "Building OPA $version; this takes about two minutes" >&2
GOBIN="$tools" CGO_ENABLED=0 go install "github.com/open-policy-agent/opa@v$version"
echo "$tools/opa"
