#!/usr/bin/env bash
# Run the compiler $MMQCS_CXX with C++20 instead of an older standard, for build_ops.sh:
# PyTorch's headers need it since 2.14, and the setup.py of MMCV asks for C++17 after
# CXXFLAGS.
#
# With $MMQCS_PCH, an empty folder, PyTorch's headers are compiled once per set of flags
# instead of once per file, which takes most of the time. Debugging symbols, which take
# most of the rest, are left out. GCC only.
set -euo pipefail

arguments=() flags=() source='' skip=0
for argument in "$@"; do
  case "$argument" in
    -std=c++1?) argument=-std=c++20 ;;
    -g) if [[ -n ${MMQCS_PCH:-} ]]; then continue; fi ;;
  esac
  arguments+=("$argument")
  if ((skip)); then skip=0; continue; fi
  case "$argument" in
    -o | -MF | -MT | -MQ) skip=1 ;;
    -c | -MD | -MMD) ;;
    *.cpp | *.cc) source=$argument ;;
    *) flags+=("$argument") ;;
  esac
done

if [[ -z ${MMQCS_PCH:-} || -z $source || " $* " != *' -c '* ]]; then
  exec "$MMQCS_CXX" "${arguments[@]}"
fi

key=$(printf '%s\n' "${flags[@]}" | cksum | cut -d ' ' -f 1)
header=$MMQCS_PCH/$key.hpp
(
  flock 9
  if [[ ! -e $header.gch ]]; then
    printf '#include <torch/types.h>\n' >"$header"
    "$MMQCS_CXX" "${flags[@]}" -x c++-header "$header" -o "$header.part"
    mv "$header.part" "$header.gch"
  fi
) 9>"$MMQCS_PCH/$key.lock"
exec "$MMQCS_CXX" "${arguments[@]}" -include "$header"
