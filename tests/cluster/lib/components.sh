# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of who sources it
# The components and their flags. Sourced by `inside`.

# Three programs of CDI and virt-api want port 8443: each of these has a network of its own.
virt_api=10.99.0.2 cdi_api=10.99.0.3 cdi_upload=10.99.0.4
cdi_signers=(cdi-apiserver-signer cdi-uploadproxy-signer cdi-uploadserver-signer cdi-uploadserver-client-signer)

# network NAME ADDRESS: a network namespace on the bridge.
network() {
  ip netns add "$1"
  ip link add "v-$1" type veth peer name eth0 netns "$1"
  ip link set "v-$1" master br0 up
  ip -n "$1" addr add "$2/16" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" link set lo up
  ip -n "$1" route add default via "$gateway"
}

kubernetes() {
  start etcd etcd --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn
  start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --advertise-address="$gateway" --secure-port=6443 \
    --service-cluster-ip-range=10.96.0.0/16 --allow-privileged=true --authorization-mode=Node,RBAC \
    --enable-aggregator-routing=true --max-requests-inflight=2000 --max-mutating-requests-inflight=1000 \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/cluster.crt" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/service-account.pub" \
    --service-account-signing-key-file="$pki/service-account.key" \
    --requestheader-client-ca-file="$pki/front-proxy.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$pki/front-proxy-client.crt" --proxy-client-key-file="$pki/front-proxy-client.key" \
    --disable-admission-plugins=ServiceAccount
  until_ok 120 kube-apiserver kubectl get --raw /readyz
  # Node and client share one subnet, so all is masqueraded. The conntrack limits are the machine's, not the namespace's.
  start kube-proxy kube-proxy --kubeconfig="$KUBECONFIG" --proxy-mode=nftables --hostname-override=node-1 --masquerade-all=true \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

controllers() {
  local as=(--kubeconfig="$KUBECONFIG" --authentication-kubeconfig="$KUBECONFIG" --authorization-kubeconfig="$KUBECONFIG" --leader-elect=false)
  local off=-node-ipam-controller,-node-lifecycle-controller,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller
  start kube-controller-manager kube-controller-manager "${as[@]}" --controllers="*,$off" \
    --root-ca-file="$pki/cluster.crt" --service-account-private-key-file="$pki/service-account.key" \
    --concurrent-endpoint-syncs=5 --kube-api-qps=200 --kube-api-burst=400
  start kube-scheduler kube-scheduler "${as[@]}"
}

storage() {
  local flags=(--kubeconfig="$KUBECONFIG" --kube-api-qps=100 --kube-api-burst=200 --leader-election=false) driver
  mkdir -p "$state/storage"
  for driver in dir nosnap; do
    start "csi-$driver" csi-dir --socket "$state/$driver.sock" --state "$state/storage" --name "$driver.csi.local"
    until_ok 30 "csi-$driver" test -S "$state/$driver.sock"
    start "csi-provisioner-$driver" csi-provisioner "${flags[@]}" --csi-address="$state/$driver.sock" --extra-create-metadata
  done
  start csi-resizer csi-resizer --kubeconfig="$KUBECONFIG" --csi-address="$state/dir.sock" --leader-election=false
  start csi-snapshotter csi-snapshotter "${flags[@]}" --csi-address="$state/dir.sock"
  start snapshot-controller snapshot-controller "${flags[@]}"
}

kubevirt() {
  local certs=$state/objects/certs version
  version=$(version_of kubevirt kubevirt.io/kubevirt)
  # What virt-operator would have written; without a phase and an architecture virt-controller and virt-api do nothing.
  kubectl -n kubevirt patch kubevirt kubevirt --subresource=status --type=merge -p "{\"status\":{\"phase\":\"Deployed\",
    \"defaultArchitecture\":\"amd64\",\"operatorVersion\":\"$version\",\"observedKubeVirtVersion\":\"$version\",
    \"targetKubeVirtVersion\":\"$version\"}}" >/dev/null
  kubectl -n kubevirt create secret tls export-ingress --cert="$pki/ingress.crt" --key="$pki/ingress.key" >/dev/null
  network virt-api "$virt_api"
  start virt-api ip netns exec virt-api virt-api --kubeconfig "$KUBECONFIG" --listen "$virt_api" --port 8443 --subresources-only \
    --tls-cert-file "$certs/kubevirt-virt-api-certs/tls.crt" --tls-key-file "$certs/kubevirt-virt-api-certs/tls.key" \
    --handler-cert-file "$certs/kubevirt-virt-handler-certs/tls.crt" --handler-key-file "$certs/kubevirt-virt-handler-certs/tls.key"
  start virt-controller virt-controller --kubeconfig "$state/virt-controller.kubeconfig" --listen 127.0.0.1 --port 8182 \
    --launcher-image "test/virt-launcher:$version" --exporter-image "test/virt-exportserver:$version"
  start virt-exportproxy virt-exportproxy --kubeconfig "$KUBECONFIG" --listen "$gateway" --port 443
}

cdi() {
  local name keys=/run/cdi/token/keys
  for name in "${cdi_signers[@]}"; do
    kubectl -n cdi create secret tls "$name" --cert="$pki/$name.crt" --key="$pki/$name.key"
    kubectl -n cdi create configmap "$name-bundle" --from-file=ca-bundle.crt="$pki/$name.crt"
  done >/dev/null
  network cdi-api "$cdi_api"
  network cdi-upload "$cdi_upload"
  CERT_FILE=$pki/cdi-api.crt KEY_FILE=$pki/cdi-api.key start cdi-apiserver ip netns exec cdi-api cdi-apiserver
  until_ok 60 "CDI's signing key" kubectl -n cdi get secret cdi-api-signing-key
  for name in id_rsa id_rsa.pub; do
    kubectl -n cdi get secret cdi-api-signing-key -o go-template="{{index .data \"$name\" | base64decode}}" >"$keys/$name"
  done
  IMPORTER_IMAGE=test/cdi-importer CLONER_IMAGE=test/cdi-cloner UPLOADSERVER_IMAGE=test/cdi-uploadserver \
    OVIRT_POPULATOR_IMAGE=test/none UPLOADPROXY_SERVICE=cdi-uploadproxy \
    UPLOAD_SERVER_KEY_FILE=$pki/cdi-uploadserver-signer.key UPLOAD_SERVER_CERT_FILE=$pki/cdi-uploadserver-signer.crt \
    UPLOAD_CLIENT_KEY_FILE=$pki/cdi-uploadserver-client-signer.key UPLOAD_CLIENT_CERT_FILE=$pki/cdi-uploadserver-client-signer.crt \
    start cdi-controller cdi-controller --kubeconfig="$KUBECONFIG"
  SERVER_CERT_FILE=$pki/cdi-uploadproxy.crt SERVER_KEY_FILE=$pki/cdi-uploadproxy.key \
    UPLOAD_CLIENT_KEY_FILE=$pki/cdi-upload-client.key UPLOAD_CLIENT_CERT_FILE=$pki/cdi-upload-client.crt \
    APISERVER_PUBLIC_KEY=$(cat "$keys/id_rsa.pub") \
    start cdi-uploadproxy ip netns exec cdi-upload cdi-uploadproxy
}
