#!/usr/bin/env bash
# Installs what Cairn needs to build, run and test on Debian 12 or newer, through the machine's own apt sources.
# Safe to run again: it does nothing when everything is there.
#
#   contrib/setup.sh           build and run
#   contrib/setup.sh --test    the test tools as well
set -euo pipefail

packages=(
    g++ cmake ninja-build ccache mold pkg-config ca-certificates xz-utils
    libboost1.81-dev libboost-json1.81-dev librocksdb-dev libssl-dev libspdlog-dev libfmt-dev
    libexpected-dev libunivalue-dev libzmq3-dev cppzmq-dev libutf8proc-dev libqrencode-dev
)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev liblzma-dev python3 python3-zmq procps iproute2)
[[ ${1:-} == --test ]] && packages+=("${test_packages[@]}")

# libsecp256k1 0.5 is the first with everything Cairn uses (ElligatorSwift of BIP324, faster verification).
secp256k1_minimum=0.5.0

sudo=()
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "setup.sh: run this as root, or install sudo" >&2; exit 1; }
    sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# Debian 13 names the Boost libraries by its own version.
if ! installed libboost1.81-dev && ! apt-cache show libboost1.81-dev >/dev/null 2>&1; then
    updated_boost=1
fi

missing=()
for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]})); then
    "${sudo[@]}" apt-get update -qq
    if [[ -n ${updated_boost:-} ]] && ! apt-cache show libboost1.81-dev >/dev/null 2>&1; then
        missing=("${missing[@]/libboost1.81-dev/libboost-dev}")
        missing=("${missing[@]/libboost-json1.81-dev/libboost-json-dev}")
    fi
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# Some things come from a newer suite of the mirror that this machine already uses. The package lists live in a folder of their own, so
# nothing else of the system changes. A mirror may hold an outdated copy of a suite, which apt refuses: then the next is tried.
#   from_suites TYPE COMMAND SUITE...    calls COMMAND, in an empty folder, with the options for apt, until it succeeds; TYPE is deb or deb-src
from_suites() (
    type=$1 command=$2
    shift 2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 'debian/\?$')
    for suite; do
        rm -rf "${work:?}"/* && mkdir -p "$work"/{lists,cache/archives}/partial
        echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > sources.list
        options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
                 -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
        apt-get "${options[@]}" -qq update && "$command" "${options[@]}" && return 0
    done
    return 1
)

have_secp256k1() { pkg-config --atleast-version="$secp256k1_minimum" libsecp256k1 2>/dev/null; }
# This one library needs only libc6.
install_secp256k1() {
    local library
    library=$(apt-cache "$@" depends libsecp256k1-dev | sed -n 's/^ *Depends: \(libsecp256k1-[0-9]*\)$/\1/p' | head -1)
    [[ -n $library ]] && apt-get "$@" -qq download libsecp256k1-dev "$library" && "${sudo[@]}" dpkg -i ./*.deb
}
if ! have_secp256k1; then
    candidate=$(apt-cache policy libsecp256k1-dev | sed -n 's/^ *Candidate: //p')
    if [[ -n $candidate && $candidate != "(none)" ]] && dpkg --compare-versions "$candidate" ge "$secp256k1_minimum"; then
        "${sudo[@]}" apt-get install -y -qq --no-install-recommends libsecp256k1-dev
    else
        from_suites deb install_secp256k1 sid testing trixie || true
    fi
    have_secp256k1 || { echo "setup.sh: libsecp256k1 $secp256k1_minimum or newer could not be installed" >&2; exit 1; }
fi

# The hash table of -dht. Debian has the `dht` library only as source, inside that of transmission, which it keeps up to date; so apt fetches and
# checks that source, and what the library consists of stays in a folder where CMake finds it. Without it all but -dht works.
dht_folder=/usr/local/src/dht
install_dht() {
    apt-get "$@" -qq source --download-only transmission &&
        tar -xf transmission_*.orig.tar.* --wildcards --strip-components=3 '*/third-party/dht/dht.c' '*/third-party/dht/dht.h' \
            '*/third-party/dht/LICENCE' &&
        "${sudo[@]}" install -D -m 644 -t "$dht_folder" dht.c dht.h LICENCE
}
if [[ ! -f $dht_folder/dht.c || ! -f $dht_folder/dht.h ]]; then
    from_suites deb-src install_dht trixie sid bookworm ||
        echo "setup.sh: the source of the dht library could not be fetched; -dht will not be available" >&2
fi
