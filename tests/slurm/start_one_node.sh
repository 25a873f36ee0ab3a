#!/usr/bin/env bash
# A Slurm cluster of this machine alone, for tests/test_slurm.py: munged, slurmctld and slurmd, listening on 127.0.0.1.
#
#   start_one_node.sh          start it; what already runs is left running
#   start_one_node.sh stop     stop it and remove its configuration
#
# Needs root and Debian's packages slurm-wlm and munge. The configuration has to be /etc/slurm/slurm.conf: the plug-in
# clears SLURM_* variables, SLURM_CONF with them, before it calls srun. Another's configuration is left alone.
set -euo pipefail

MARK="# written by tests/slurm/start_one_node.sh"
CONFIGURATION=/etc/slurm/slurm.conf
STATE=/var/lib/micro-exp-slurm
NODE=$(hostname -s)

ours() { [[ -f $CONFIGURATION && $(head -n 1 "$CONFIGURATION") == "$MARK" ]]; }
alive() { [[ -s $1 ]] && kill -0 "$(cat "$1")" 2>/dev/null; }  # the process of this pid file

start() {  # start NAME PIDFILE COMMAND...
    local name=$1 pid_file=$2
    shift 2
    if alive "$pid_file"; then echo "$name: runs already (process $(cat "$pid_file"))"; return; fi
    "$@"
    for _ in $(seq 50); do alive "$pid_file" && break; sleep 0.1; done
    alive "$pid_file" || { echo "$name did not start; see $STATE" >&2; exit 1; }
    echo "$name: started (process $(cat "$pid_file"))"
}

stop() {  # stop NAME PIDFILE
    alive "$2" || { echo "$1: does not run"; return; }
    local pid
    pid=$(cat "$2")
    kill "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -0 "$pid" 2>/dev/null && { echo "$1: process $pid does not stop" >&2; exit 1; }
    echo "$1: stopped"
}

for tool in munged slurmctld slurmd sbatch; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install slurm-wlm munge" >&2; exit 1; }
done
[[ $(id -u) == 0 ]] || { echo "root is needed: slurmd starts jobs as the user who submits them" >&2; exit 1; }
if [[ -f $CONFIGURATION ]] && ! ours; then
    echo "$CONFIGURATION is not this script's: this machine seems to belong to a cluster, which is left alone" >&2
    exit 1
fi

if [[ ${1:-start} == stop ]]; then
    ours || { echo "nothing to stop: no $CONFIGURATION of this script"; exit 0; }
    stop slurmd "$STATE/slurmd.pid"
    stop slurmctld "$STATE/slurmctld.pid"
    stop munged "$STATE/munge/munged.pid"
    rm -rf "$STATE" "$CONFIGURATION" /etc/slurm/gres.conf
    exit 0
fi

mkdir -p "$STATE/ctld" "$STATE/slurmd" "$STATE/munge" /run/munge
chown munge: "$STATE/munge" /run/munge
# No accounting and no cgroups, so that it runs in a container. Cores are declared, not found: the jobs of the profile
# ask for more than a small machine has. One GPU is declared too, without a device behind it: what is tried is that
# trainings ask for it and wait for it. Finished jobs are remembered for a day, so that a test can ask about them.
MEMORY_MB=$(($(getconf _PHYS_PAGES) * ($(getconf PAGE_SIZE) / 1024) / 1024))
cat >"$CONFIGURATION" <<END
$MARK
ClusterName=one-node
SlurmctldHost=$NODE(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
StateSaveLocation=$STATE/ctld
SlurmdSpoolDir=$STATE/slurmd
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=8 RealMemory=$MEMORY_MB Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes=$NODE Default=YES MaxTime=INFINITE State=UP
END
echo "NodeName=$NODE Name=gpu Count=1 File=/dev/null" >/etc/slurm/gres.conf

munge -n >/dev/null 2>&1 && [[ ! -s $STATE/munge/munged.pid ]] && echo "munged: one of this machine's runs already" ||
    start munged "$STATE/munge/munged.pid" runuser -u munge -- munged \
        --pid-file="$STATE/munge/munged.pid" --log-file="$STATE/munge/munged.log" --seed-file="$STATE/munge/seed"
start slurmctld "$STATE/slurmctld.pid" slurmctld
start slurmd "$STATE/slurmd.pid" slurmd
for _ in $(seq 100); do
    [[ $(sinfo --noheader --format=%T) == idle* || $(sinfo --noheader --format=%T) == mixed* ]] && break
    sleep 0.2
done
sinfo --long
