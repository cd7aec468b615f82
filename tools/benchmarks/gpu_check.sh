#!/usr/bin/env bash
# Tests and benchmarks of a GPU, in less than nine minutes on one H100.
#
#   PYTHON=python3 OUT=work_dirs/gpu_check tools/benchmarks/gpu_check.sh
#
# Leaves in OUT: tests.txt, benchmarks.txt, the records, and benchmarks.md with the
# measured tables, whatever fails. The exit status is that of the first that failed.
# Without a GPU it says so, and ends with status 0.
set -u
cd "$(dirname "$0")/../.." || exit 1
PYTHON=${PYTHON:-python3}
OUT=${OUT:-work_dirs/gpu_check}
mkdir -p "$OUT" || exit 1
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
status=0

# step SECONDS NAME COMMAND...: run a command into OUT/NAME.txt, and go on if it fails
step() {
  local limit=$1 name=$2 result begin=$SECONDS
  shift 2
  timeout -k 10 "$limit" "$@" >"$OUT/$name.txt" 2>&1
  result=$?
  tail -n 40 "$OUT/$name.txt"
  echo "gpu_check: $name ended with status $result after $((SECONDS - begin)) s"
  [ "$status" -ne 0 ] || status=$result
}

if ! "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "gpu_check: $PYTHON sees no GPU, so neither tests nor benchmarks run"
  exit 0
fi
cp docs/benchmarks.md "$OUT/benchmarks.md"
step 150 tests "$PYTHON" -m pytest -m gpu -q --durations=10 \
  --continue-on-collection-errors tests/test_gpu
step 370 benchmarks "$PYTHON" tools/benchmarks/run_all.py --device cuda \
  --document "$OUT/benchmarks.md" --out "$OUT" --limit 240
exit "$status"
