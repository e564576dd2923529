# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables of, and for, who sources it
# Where things are, for `cluster` outside and `inside` within the namespaces. Needs $here, the folder of `cluster`.

cache=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubevirt-cluster}
bin=$cache/bin
state=$(realpath -m "${CLUSTER_STATE:-/tmp/wukong-cluster}")
gateway=10.99.0.1 # the node, and the API server

die() {
  echo "cluster: $*" >&2
  exit 1
}

# Blanks would come apart in what node runs as shell; a socket's path has 107 bytes.
[[ $state =~ ^/[^[:space:]]{1,80}$ ]] || die "CLUSTER_STATE: blanks in it, or longer than 80 characters: $state"

# For what runs inside: kubectl keeps what it learned in the state folder, not in the user's home.
environment=(
  "CLUSTER_STATE=$state" "CLUSTER_CACHE=$cache" "KUBECONFIG=$state/admin.kubeconfig" "KUBECACHEDIR=$state/tmp/kubectl"
  "PATH=$bin:$PATH"
)

# version_of MODULE PATH: the version that MODULE's go.mod pins.
version_of() { awk -v path="$2" '$1 == path {print $2; exit}' "$here/$1/go.mod"; }
