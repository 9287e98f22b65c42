#!/usr/bin/env bash
# Tests a server of its own against its OpenAPI description, with high limits and the quick end of the texts:
#
#   pip install schemathesis
#   cargo build -p tts-server && examples/tts-server/schemathesis.sh target/debug/tts-server [ARGUMENTS OF st run]
#
# Ends with the exit status of schemathesis.
set -euo pipefail
program=$(realpath "$1")
shift
cd "$(dirname "$0")"
data=$(mktemp -d)
server=
trap '[[ -z $server ]] || { kill "$server" 2>/dev/null; wait "$server" || true; }; rm -rf "$data"' EXIT

cat >"$data/server.toml" <<'TOML'
[server]
hosts = ["localhost:*"]
https = "127.0.0.1:8643"
http = "127.0.0.1:8680"

[text]
max_graphemes = 40

[[limits]]
name = "client"
rate = "1000000/minute"

[[limits]]
name = "tts"
rate = "1000000/minute"
by = "principal"
routes = "named"

[tts]
metrics = "off"
queue = 64
sound_cache_mib = 8
TOML
chmod 700 "$data"

"$program" --data "$data" --config "$data/server.toml" >"$data/out" 2>&1 &
server=$!
for _ in $(seq 100); do
  [[ -s $data/first-key && -s $data/tls/ca.pem ]] && curl -s --cacert "$data/tls/ca.pem" https://localhost:8643/health >/dev/null && break
  sleep 0.2
done
SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 SSL_CERT_FILE=$data/tls/ca.pem REQUESTS_CA_BUNDLE=$data/tls/ca.pem \
  st --config-file schemathesis.toml run https://localhost:8643/openapi.json --checks all \
  -H "X-API-Key: $(cat "$data/first-key")" "$@"
