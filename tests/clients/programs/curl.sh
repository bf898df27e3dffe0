#!/bin/sh
# Hunts with curl alone, as Microsoft's pages of 2021 show it: sign in, query, wait when told to.
# Arguments: URL of the token endpoint, field that names the resource, URL of the API; the query
# comes from standard input, id and secret from the environment. The answer's status is the last line.

set -eu

token=$(curl --silent --show-error --cacert "$CA_FILE" \
  -X POST -H "Content-Type:application/x-www-form-urlencoded" \
  -d "grant_type=client_credentials" -d "client_id=$CLIENT_ID" \
  --data-urlencode "$2" --data-urlencode "client_secret=$CLIENT_SECRET" \
  "$1" | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
status=$(curl --silent --show-error --cacert "$CA_FILE" --compressed --retry 2 \
  -X POST -H "Authorization: Bearer $token" -H "Content-Type: application/json" \
  --data-binary @- --output "$answer" --write-out '%{http_code}' "$3")
cat "$answer"
printf '\n%s' "$status"
