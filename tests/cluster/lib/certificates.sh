# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of who sources it
# Certificates and kubeconfigs of one run, in $pki and $state. Sourced by `inside`.
# RSA throughout: CDI signs with SHA256-RSA, whatever its signers are.

# ca NAME: a self-signed authority.
ca() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout "$pki/$1.key" -out "$pki/$1.crt" -subj "/CN=$1" 2>/dev/null
}

# cert NAME CA SUBJECT [SAN]: a key and a certificate signed by CA.
cert() {
  openssl req -newkey rsa:2048 -nodes -keyout "$pki/$1.key" -subj "$3" -out "$pki/$1.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/$2.crt" -CAkey "$pki/$2.key" -CAcreateserial -days 30 -out "$pki/$1.crt" \
    -extfile <(echo "extendedKeyUsage=serverAuth,clientAuth" && [[ -z ${4-} ]] || echo "subjectAltName=$4") 2>/dev/null
}

# kubeconfig NAME: one whose user is the certificate NAME.
kubeconfig() {
  cat >"$state/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://$gateway:6443", certificate-authority: $pki/cluster.crt}}]
contexts: [{name: test, context: {cluster: test, user: $1, namespace: default}}]
users: [{name: $1, user: {client-certificate: $pki/$1.crt, client-key: $pki/$1.key}}]
YAML
}

certificates() {
  local name
  mkdir -p "$pki"
  for name in cluster front-proxy "${cdi_signers[@]}"; do ca "$name"; done
  cert apiserver cluster /CN=kube-apiserver "IP:127.0.0.1,IP:$gateway,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc"
  cert admin cluster /O=system:masters/CN=admin
  cert viewer cluster /CN=viewer
  # As its service account, or virt-api drops the status of instances.
  cert virt-controller cluster /O=system:masters/CN=system:serviceaccount:kubevirt:kubevirt-controller
  cert virt-handler cluster /O=system:masters/CN=system:serviceaccount:kubevirt:kubevirt-handler
  cert front-proxy-client front-proxy /CN=front-proxy-client
  cert ingress cluster /CN=export.test DNS:export.test
  cert cdi-api cdi-apiserver-signer /CN=cdi-api DNS:cdi-api.cdi.svc
  cert cdi-uploadproxy cdi-uploadproxy-signer /CN=cdi-uploadproxy \
    DNS:cdi-uploadproxy.cdi.svc,DNS:cdi-uploadproxy,DNS:upload.test
  cert cdi-upload-client cdi-uploadserver-client-signer /CN=client.upload-server.cdi.kubevirt.io
  openssl genrsa -out "$pki/service-account.key" 2048 2>/dev/null
  openssl rsa -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub" 2>/dev/null
  for name in admin viewer virt-controller virt-handler; do kubeconfig "$name"; done
}
