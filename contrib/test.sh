#!/usr/bin/env bash
# Builds everything and runs all tests: contrib/test.sh [arguments of ctest, such as -L vectors]
#
# Without arguments all but the simulations that take up to an hour each (-L sim_long).
#
# The last line counts what was run. Exit code 0 when nothing failed.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build/release}

fail() { echo "test.sh: $1" >&2; exit 1; }

[[ -n ${SKIP_SETUP:-} ]] || "$root/contrib/setup.sh" --test || fail "the tools could not be installed"
if [[ ! -f $build/build.ninja ]]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON || fail "configuring failed"
fi
cmake --build "$build" || fail "the build failed"

[[ $# -gt 0 ]] || set -- -LE sim_long
report=$(mktemp)
trap 'rm -f "$report"' EXIT
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" "$@" </dev/null | tee "$report"
result=${PIPESTATUS[0]}

# "97% tests passed, 2 tests failed out of 61", and lines of skipped tests.
total=$(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$report" | tail -1)
failed=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed.*/\1/p' "$report" | tail -1)
skipped=$(grep -c '\*\*\*Skipped' "$report" || true)
total=${total:-0} failed=${failed:-0}
echo "tests: $((total - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$result"
