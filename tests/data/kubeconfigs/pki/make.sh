#!/usr/bin/env bash
# Makes the certificates and keys of this folder anew. They are public and protect nothing; they last a hundred years.
set -euo pipefail
cd "$(dirname "$0")"

days=36500

# authority NAME COMMON_NAME
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$days" -subj "/CN=$2" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
    -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# leaf NAME SUBJECT EXTENSIONS: signs NAME.key
leaf() {
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -days "$days" -CA ca.crt -CAkey ca.key -extfile <(echo "$3") -out "$1.crt" 2>/dev/null
}

authority ca "test authority"
authority other-ca "another authority"

openssl ecparam -name prime256v1 -genkey -noout -out server.key
leaf server "/CN=server" \
  "subjectAltName=DNS:localhost,DNS:kube.test,DNS:api.internal,IP:127.0.0.1,IP:::1"

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out client.key 2>/dev/null
leaf client "/O=testers/CN=rsa-client" "extendedKeyUsage=clientAuth"
openssl rsa -in client.key -traditional -out client-pkcs1.key 2>/dev/null
openssl rsa -in client.key -aes128 -passout pass:secret -traditional -out client-encrypted.key 2>/dev/null
openssl pkcs8 -topk8 -in client.key -passout pass:secret -out client-encrypted-pkcs8.key

openssl ecparam -name prime256v1 -genkey -noout -out ec.key
leaf ec "/CN=ec-client" "extendedKeyUsage=clientAuth"
openssl ecparam -name prime256v1 -genkey -out ec-with-parameters.key
leaf ec-with-parameters "/CN=ec-client-2" "extendedKeyUsage=clientAuth"
openssl genpkey -algorithm ed25519 -out ed25519.key
leaf ed25519 "/CN=ed25519-client" "extendedKeyUsage=clientAuth"

# Without an end, as RFC 5280 writes it: only `openssl ca` takes such dates.
books=$(mktemp -d)
touch "$books/index"
echo 01 >"$books/serial"
printf '%s\n' '[ca]' 'default_ca = all' '[all]' "database = $books/index" "serial = $books/serial" "new_certs_dir = $books" 'default_md = sha256' \
  'policy = any' '[any]' 'CN = supplied' 'O = optional' >"$books/config"
openssl req -new -key ec.key -subj "/CN=jo/O=dev" -out "$books/request"
openssl ca -batch -config "$books/config" -selfsign -keyfile ec.key -in "$books/request" -notext \
  -startdate 00010101000000Z -enddate 99991231235959Z -out without-end.crt 2>/dev/null
rm -r "$books"

rm ca.key other-ca.key
