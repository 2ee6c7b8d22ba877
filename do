#!/usr/bin/env bash
# The project's commands. Without arguments it prints this help.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
out=artifacts/knet

help() {
  cat <<'EOF'
Usage: ./do COMMAND

  up          install what is missing, build, start Knet, deploy the sample service
  down        stop Knet (--purge removes its data too)
  build       build everything
  publish     build what is installed: artifacts/knet/{knet,knetd}
  test        all tests; or one suite: ./do test unit | system | e2e
  fuzz [NAME] try a parser of outside input (no name: each in turn) with odd input, --seconds N each (60)
  fmt         put the code into the project's format (--check only looks)
  bench NAME  run a benchmark of tests/Benchmarks (no name: list them)
  deps        install the Debian packages that building and running need
  help        this text
EOF
}

# Packages by what needs them: pods; native code (the command line and the samples); tests.
run_packages=(crun conmon nftables iproute2 libnss-myhostname)
build_packages=(gcc libc6-dev zlib1g-dev)
test_packages=(docker-registry skopeo busybox-static procps)

deps() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing ${missing[*]}"
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get update -qq
  # A service that a package would start (a registry, a web server) is none of our business.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# kubectl 1.32 for the tests: the machine's own, or Debian trixie's, unpacked below artifacts/ without installing it.
kubectl_path() {
  local tools=artifacts/tools
  if command -v kubectl >/dev/null && kubectl version --client 2>/dev/null | grep -q 'v1\.3[2-9]'; then
    command -v kubectl
    return
  fi
  if [ ! -x "$tools/kubectl" ]; then
    local work="$PWD/$tools/trixie"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' >"$work/sources.list"
    local apt=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache")
    apt-get "${apt[@]}" update -qq >&2
    (cd "$work" && apt-get "${apt[@]}" download kubectl/trixie >&2 && dpkg-deb -x kubectl_*.deb root)
    cp "$work/root/usr/bin/kubectl" "$tools/kubectl"
    rm -rf "$work"
  fi
  echo "$PWD/$tools/kubectl"
}

# Publishing takes a while even when nothing changed: skip it when no source is newer than the last one.
publish() {
  local stamp=$out/.published
  if [ -f "$stamp" ] && [ -z "$(find src samples Directory.*.props global.json -newer "$stamp" -type f -print -quit)" ]; then
    return
  fi
  echo "Building (a first time takes a few minutes)"
  dotnet publish src/Daemon -c Release -v q -o "$out"
  dotnet publish src/Cli -c Release -v q -o "$out"
  rm -f "$out"/*.dbg
  touch "$stamp"
}

up() {
  deps "${run_packages[@]}" "${build_packages[@]}"
  publish
  "$out/knet" up "$@"
  sample
}

# The sample's image is made on this machine, once, without any registry.
sample() {
  local stamp=artifacts/samples/hello.tar
  if [ ! -f "$stamp" ] || [ -n "$(find samples/hello -newer "$stamp" -type f -print -quit)" ]; then
    dotnet publish samples/hello -c Release -v q -o artifacts/samples/hello
    "$out/knetd" compose-dotnet --name dev.local/hello:latest --publish artifacts/samples/hello --program hello --out "$stamp"
  fi
  "$out/knet" image load "$stamp" >/dev/null
  "$out/knet" apply -f samples/hello/service.yaml --wait
}

suite() {
  local name=$1
  dotnet build "tests/$name" -v q
  "artifacts/bin/$name/debug/Knet.Tests.$name" -noColor "${@:2}" 2>&1 | tee "artifacts/test-$name.log"
}

# Prints the sum over the suites as the last line; fails when a test failed or a suite did not run.
tests() {
  mkdir -p artifacts
  local names=(Unit System EndToEnd) status=0
  case "${1:-all}" in
    unit) names=(Unit) ;;
    system) names=(System) ;;
    e2e) names=(EndToEnd) ;;
    all) ;;
    *) echo "unknown suite: $1 (unit, system or e2e)" >&2; return 2 ;;
  esac
  if [[ " ${names[*]} " == *" EndToEnd "* ]]; then
    deps "${run_packages[@]}" "${build_packages[@]}" "${test_packages[@]}"
    publish
    KUBECTL=$(kubectl_path)
    export KUBECTL
  fi
  rm -f artifacts/test-*.log
  for name in "${names[@]}"; do
    suite "$name" || status=1
  done
  local passed=0 failed=0 skipped=0
  for name in "${names[@]}"; do
    local line
    line=$(grep -E 'Total: [0-9]+' "artifacts/test-$name.log" | tail -n 1) || { echo "suite $name did not finish" >&2; status=1; failed=$((failed + 1)); continue; }
    local total errors bad left
    total=$(sed -E 's/.*Total: ([0-9]+).*/\1/' <<<"$line")
    errors=$(sed -E 's/.*Errors: ([0-9]+).*/\1/' <<<"$line")
    bad=$(sed -E 's/.*Failed: ([0-9]+).*/\1/' <<<"$line")
    left=$(sed -E 's/.*Skipped: ([0-9]+).*/\1/' <<<"$line")
    passed=$((passed + total - bad - left)) failed=$((failed + bad + errors)) skipped=$((skipped + left))
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] || status=1
  return $status
}

# Ends with an error and the input, as base64, when a parser crashes, takes long or takes much memory.
fuzz() {
  local seconds=60 target=
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
      -*) echo "unknown option: $1" >&2; return 2 ;;
      *) target=$1; shift ;;
    esac
  done
  dotnet build tests/Unit -v q >/dev/null
  KNET_FUZZ_SECONDS=$seconds KNET_FUZZ_TARGET=$target \
    artifacts/bin/Unit/debug/Knet.Tests.Unit -class Knet.Tests.Unit.Fuzz.FuzzTests -noColor -maxThreads 1 | grep -v '^xUnit\|^  [DSF][a-z]*ed:\|^  .*ing:'
}

case "${1:-help}" in
  up) up "${@:2}" ;;
  down) "$out/knet" down "${@:2}" ;;
  build) dotnet build Knet.slnx -v q ;;
  publish) deps "${build_packages[@]}"; publish ;;
  test) tests "${2:-all}" ;;
  fmt) dotnet format whitespace Knet.slnx ${2:+--verify-no-changes} ;;
  fuzz) fuzz "${@:2}" ;;
  bench) exec tests/Benchmarks/run "${@:2}" ;;
  deps) deps "${run_packages[@]}" "${build_packages[@]}" "${test_packages[@]}" ;;
  help | -h | --help) help ;;
  *) echo "unknown command: $1" >&2; help >&2; exit 2 ;;
esac
