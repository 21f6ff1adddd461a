#!/bin/bash
# One command of protrek-hm on all nodes of a Slurm job. Ray starts on every node, the command runs on the first one, and Ray stops:
#   sbatch --nodes=4 --cpus-per-task=16 --gpus-per-node=2 deploy/slurm.sh index build proteins.parquet -m tuned -o index
# The same line again goes on from what is finished, on any number of nodes. Inputs, models and outputs lie on a disk that all nodes see.
# Nodes are taken whole: at its end Ray stops all that is of Ray, and of the same user, on them.
#SBATCH --job-name=protrek-hm
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --output=%x-%j.log
set -euo pipefail
if [ $# -eq 0 ]; then
  echo "usage: sbatch [--nodes=N …] $0 index build … (without --cluster, which is added)" >&2
  exit 2
fi
# source /path/to/venv/bin/activate

export OMP_NUM_THREADS=1                           # a shard has one thread, and a core of its own
export RAY_TMPDIR="/tmp/ray-$SLURM_JOB_ID"         # short: sockets lie in it, and two jobs on one node keep apart
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
gpus=${SLURM_GPUS_ON_NODE:-0}
exec srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  ray symmetric-run --address "$head:$port" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$gpus" --disable-usage-stats -- protrek-hm "$@" --cluster auto
