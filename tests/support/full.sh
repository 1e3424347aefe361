# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# What `tests/run --full` does beyond `tests/run`: sourced by it, with its functions and variables. The builds are apart from
# build/test, since each compiles everything in its own way; all are kept for the next run.

# On top of its corpus, which every run goes through. Chosen: all targets together stay below five minutes.
fuzz_seconds=${HAPAX_FUZZ_SECONDS:-20}
sanitizers=("-Db_sanitize=address,undefined" -Db_lundef=false)

header_check() {
    local header
    for header in include/hapax/*.h; do
        gcc -std=c11 -pedantic-errors -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c "$header" || return
        g++ -std=c++11 -pedantic-errors -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ "$header" || return
    done
}

tidy() {
    git -c safe.directory='*' ls-files 'src/*.c' |
        xargs -P "$(nproc)" -n 4 clang-tidy -p "$builds/clang" --quiet --warnings-as-errors='*'
}

# New inputs go to a scratch folder: the corpus in the repository only grows by a person's hand.
fuzz() {
    local target=$1 scratch corpora reader
    scratch=$results/fuzz-$target
    mkdir "$scratch"
    corpora=("$top/tests/fuzz/corpus/$target")
    if [ "$target" = gate ]; then
        corpora=()
        for reader in text json audit_assembler; do
            corpora+=("$top/tests/fuzz/corpus/$reader")
        done
    fi
    ASAN_OPTIONS=detect_leaks=1 "$builds/fuzz/tests/fuzz/libfuzzer-$target" -max_total_time="$fuzz_seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=65536 -artifact_prefix="$builds/fuzz/$target-" "$scratch" "${corpora[@]}"
}

check "public headers are strict C11 and C++11" header_check

CC=clang check "builds with clang without a warning" build clang -Dwerror=true
if has_passed "builds with clang without a warning"; then
    check "clang-tidy finds nothing" tidy
fi

# Three of its checks are off: gcc 12 takes memory that is handed over in arrays and hash tables for leaked, values set in a
# loop for not set, and forgets that a slice without bytes has length 0. The run under ASan and UBSan is exact about these.
analyzer="-fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-null-argument -Wno-analyzer-use-of-uninitialized-value"
check "gcc -fanalyzer finds nothing, and no warning" build analyzer -Dtests=false -Dwerror=true "-Dc_args=$analyzer"

check "builds with ASan and UBSan" build sanitize "${sanitizers[@]}"
if has_passed "builds with ASan and UBSan"; then
    suite sanitize
fi

CC=clang check "builds the fuzz targets" build fuzz -Dtests=false -Dfuzzing=true "${sanitizers[@]}" \
    -Dc_args=-fsanitize=fuzzer-no-link
if has_passed "builds the fuzz targets"; then
    for program in "$builds"/fuzz/tests/fuzz/libfuzzer-*; do
        if [ -f "$program" ] && [ -x "$program" ]; then
            target=${program##*/libfuzzer-}
            check "fuzzing $target for $fuzz_seconds s finds nothing" fuzz "$target"
        fi
    done
fi

# A broker of its own: 54 MB through Maven into build/kafka, the first time.
tap kafka-broker tests/e2e/kafka-broker "$builds/test/src/cli/hapax"
tap kafka-source tests/e2e/kafka-source "$builds/test/src/cli/hapax"
tap kafka-secure tests/e2e/kafka-secure "$builds/test/src/cli/hapax"
tap kafka-compare tests/e2e/kafka-compare "$builds/test/src/cli/hapax"
tap faults tests/e2e/faults "$builds/test/src/cli/hapax"
tap report tests/e2e/report "$builds/test/src/cli/hapax"
