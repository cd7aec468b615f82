#!/usr/bin/env bash
# Train with several processes:
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# GPUS is the number of processes on this node. More nodes by NNODES, NODE_RANK,
# MASTER_ADDR and PORT. Without a GPU the processes train on the CPU.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: [NNODES=1] [NODE_RANK=0] [MASTER_ADDR=127.0.0.1] [PORT=29500] $0 CONFIG GPUS [arguments of train.py]" >&2
  exit 2
fi
CONFIG=$1
GPUS=$2
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"
exec python -m torch.distributed.run \
  --nnodes="${NNODES:-1}" \
  --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" \
  --master_port="${PORT:-29500}" \
  --nproc_per_node="$GPUS" \
  "$TOOLS/train.py" "$CONFIG" --launcher pytorch "${@:3}"
