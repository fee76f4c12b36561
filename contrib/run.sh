#!/usr/bin/env bash
# Builds Cairn and runs the node: contrib/run.sh [options of cairnd]
#
# Installs what is missing on the first run. BUILD chooses another build folder, SKIP_SETUP=1 leaves the packages alone.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build/run}

[[ -n ${SKIP_SETUP:-} ]] || "$root/contrib/setup.sh"
[[ -f $build/build.ninja ]] || cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
cmake --build "$build" --target cairnd cairn-cli cairn-light
exec "$build/cairnd" "$@"
