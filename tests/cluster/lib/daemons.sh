# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of who sources it
# The programs that make up the control plane, started and watched by process 1. Sourced by `inside`.

names=() # in order
declare -A pid_of=()

# start NAME COMMAND...: with a log of its own.
start() {
  local name=$1
  shift
  "$@" >"$log/$name.log" 2>&1 &
  pid_of[$name]=$!
  names+=("$name")
  echo $! >"$state/pid/$name"
}

# The first one that does not run; fails when all do.
first_dead() {
  local name
  for name in "${names[@]}"; do
    kill -0 "${pid_of[$name]}" 2>/dev/null || { echo "$name" && return; }
  done
  return 1
}

# until_ok SECONDS WHAT COMMAND...: polls; fails at once when a program has ended.
until_ok() {
  local limit=$1 what=$2 began=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    ! first_dead >/dev/null || return 1
    ((SECONDS - began < limit)) || { echo "$what: not ready after $limit s" && return 1; }
    sleep 0.1
  done
}

# Returns when one has ended. They are this shell's only children.
until_one_ends() {
  local pid=0 name
  wait -n -p pid || true
  for name in "${names[@]}"; do
    [[ ${pid_of[$name]} != "$pid" ]] || ended=$name
  done
}

# However the script ends, it says which program was the reason.
farewell() {
  rm -f "$state/ready"
  ended=${ended:-$(first_dead)} || return 0
  echo "ended: $ended; the end of $log/$ended.log:"
  tail -n 3 "$log/$ended.log" | cut -c1-300
}
