# shellcheck shell=bash
# `cluster probe`: whether the control plane can run here. Sourced by `cluster`.

# What runs in the namespaces, one line for each thing that the kernel or a container's walls refuse.
try_namespaces() {
  unshare -m -n -p -f --mount-proc --propagation private --kill-child bash -s 2>/dev/null <<'SCRIPT' ||
    try() { local what=$1; shift; "$@" >/dev/null 2>&1 || echo "$what"; }
    try_with() { ! command -v "$2" >/dev/null || try "$@"; }
    overlay() {
      mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work &&
        mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work /etc
    }
    try "overlay mounts" overlay
    device() { mount -t tmpfs tmpfs /mnt && mknod /mnt/null c 1 3 && : >/mnt/null; }
    try "device nodes" device
    try "loop devices" losetup -f
    try_with "bridges" ip link add br0 type bridge
    try_with "veth pairs" ip link add v0 type veth peer name v1
    try_with "nftables with masquerade" \
      nft 'table ip t { chain c { type nat hook postrouting priority 100; masquerade; }; }'
    try_with "IP forwarding" sysctl -w net.ipv4.ip_forward=1
SCRIPT
    echo "mount, network and process namespaces"
}

missing_tools() {
  local pair pairs=(
    unshare:util-linux losetup:util-linux ip:iproute2 nft:nftables pgrep:procps sysctl:procps openssl:openssl
    qemu-img:qemu-utils curl:curl /usr/bin/python3:python3
  )
  compiled || pairs+=(gcc:gcc)
  for pair in "${pairs[@]}"; do
    command -v "${pair%:*}" >/dev/null || echo "${pair#*:}"
  done | uniq
}

# The module proxy that is out of reach, when modules have to come from it.
missing_proxy() {
  ! compiled || return 0
  local proxy=${GOPROXY:-}
  [[ -n $proxy ]] || proxy=$(go env GOPROXY 2>/dev/null) || true
  [[ -n $proxy ]] || proxy=https://proxy.golang.org
  proxy=${proxy%%[,|]*}
  [[ $proxy == http* ]] || return 0
  curl -sfo /dev/null --retry 2 --max-time 20 "$proxy/k8s.io/kubernetes/@v/list" || echo "$proxy"
}

# joined SEPARATOR: the lines of the input as one.
joined() { sed "\$!s/\$/$1/" | tr -d '\n'; }

# sentence WORDS: one line of the input after the words; nothing for an empty input.
sentence() { sed -n "s/^./$1 &/p"; }

# probe machine|all: silent when all is there, else one line and exit code 1.
probe() {
  ((EUID == 0)) || die "needs root, for the namespaces"
  local found=()
  mapfile -t -O "${#found[@]}" found < <(try_namespaces | joined ", " | sentence "this machine does not allow")
  if [[ ${1-all} == all ]]; then
    mapfile -t -O "${#found[@]}" found < <(missing_tools | joined " " | sentence "needs the packages")
    mapfile -t -O "${#found[@]}" found < <(missing_proxy | sed 's/$/ is out of reach, and the control plane is not compiled yet/')
  fi
  ((${#found[@]} == 0)) || die "$(printf '%s\n' "${found[@]}" | joined "; ")"
}
