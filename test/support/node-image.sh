#!/usr/bin/env bash
# Builds an image with Node and npm where no image hub can be reached: out of this machine's own
# shell, npm and certificates, and a Node. Linux only; the image is as good as this machine is like
# the engine's, and is for tests: the Dockerfile is built on it.
#
# Usage: node-image.sh NODE TAG
#   NODE  the program
#   TAG   what to call the image
set -euo pipefail

node=$(readlink -f "$1")
tag=$2
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")

programs=(/bin/bash /bin/mkdir /bin/ls /usr/bin/env /usr/bin/id)
mapfile -t libraries < <(
  ldd "${programs[@]}" "$node" | grep -oE '(/[^ ():]+)+\.so[.0-9]*' | sort -u
)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,tmp,etc,usr/local/bin,usr/local/lib/node_modules}
chmod 1777 "$stage/tmp"
ln -s /bin/bash "$stage/bin/sh"
install -m 755 "$node" "$stage/usr/local/bin/node"
cp -r "$npm" "$stage/usr/local/lib/node_modules/npm"
printf '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n' \
  >"$stage/usr/local/bin/npm"
chmod 755 "$stage/usr/local/bin/npm"
printf 'root:x:0:0::/:/bin/bash\nnode:x:1000:1000::/tmp:/bin/bash\n' >"$stage/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\n' >"$stage/etc/group"

inside=("${programs[@]}" "${libraries[@]}" /etc/ssl/certs/ca-certificates.crt)
tar --create --dereference -C / "${inside[@]#/}" -C "$stage" bin tmp etc usr |
  docker import \
    --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8' \
    --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    - "$tag"
