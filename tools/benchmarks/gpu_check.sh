#!/usr/bin/env bash
# Tests and benchmarks of a GPU, in less than nine minutes on one H100.
#
#   PYTHON=python3 OUT=work_dirs/gpu_check tools/benchmarks/gpu_check.sh
#
# Leaves in OUT: what the tests of each file and the benchmarks print, the records, and
# benchmarks.md with the measured tables, whatever fails. The exit status is that of the
# last that failed.
# Without a GPU it says so, and ends with status 0.
set -u
cd "$(dirname "$0")/../.." || exit 1
PYTHON=${PYTHON:-python3}
OUT=${OUT:-work_dirs/gpu_check}
mkdir -p "$OUT" || exit 1
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
status=0

# step SECONDS NAME COMMAND...: run a command, with its output in OUT/NAME.txt
step() {
  local limit=$1 name=$2 result begin=$SECONDS
  shift 2
  timeout -k 10 "$limit" "$@" >"$OUT/$name.txt" 2>&1
  result=$?
  tail -n 40 "$OUT/$name.txt"
  echo "gpu_check: $name ended with status $result after $((SECONDS - begin)) s"
  return "$result"
}

if ! "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "gpu_check: $PYTHON sees no GPU, so neither tests nor benchmarks run"
  exit 0
fi
cp docs/benchmarks.md "$OUT/benchmarks.md"
# Each file in a process of its own, since the tests use little of the GPU.
files=()
for file in tests/test_gpu/test_*.py; do
  step 170 "$(basename "$file" .py)" "$PYTHON" -m pytest -m gpu -q --durations=5 "$file" &
  files+=($!)
done
for pid in "${files[@]}"; do
  wait "$pid"
  result=$?
  # pytest ends with 5 if all tests of a file are skipped
  [ "$result" -eq 0 ] || [ "$result" -eq 5 ] || status=$result
done
step 360 benchmarks "$PYTHON" tools/benchmarks/run_all.py --device cuda \
  --document "$OUT/benchmarks.md" --out "$OUT" --limit 240 || status=$?
exit "$status"
