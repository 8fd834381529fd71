// The shell that the commands of documents run in: `hb start` goes on in the background, on a port of
// its own, and is ended with the shell.

/** `jq -r .a.b` where there is no jq. */
export const SHELL = `set -eu -o pipefail
command -v jq >/dev/null || jq() {
  "$NODE" -e 'let v = JSON.parse(require("fs").readFileSync(0, "utf8"))
    for (const key of process.argv[1].split(".").filter(Boolean)) v = v[key]
    console.log(typeof v === "string" ? v : JSON.stringify(v))' "$2"
}
hb() {
  if [ "$1" = start ]; then
    "$NODE" "$HB" "$@" --port "$HB_PORT" --data hb-data >node.log 2>&1 &
    node=$!
    trap 'kill "$node"; wait "$node" || true' EXIT
    until "$NODE" -e 'fetch(process.env.HB_URL + "/readyz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))'
    do kill -0 "$node"; sleep 0.1; done
  else "$NODE" "$HB" "$@"; fi
}
`
