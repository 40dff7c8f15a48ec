#!/usr/bin/env bash
# A whole Slurm cluster on this machine, for root and without systemd: one controller, two nodes on the loopback, an authentication key of
# its own. All of it lives in the folder given, and the process ids in it are what stop.sh ends.
#   start.sh FOLDER        afterwards: export SLURM_CONF=FOLDER/slurm.conf
set -euo pipefail
root=$(mkdir -p "$1" && cd "$1" && pwd)
host=$(hostname -s)
memory=$(( $(awk '/MemTotal/ { print $2 }' /proc/meminfo) / 2048 ))
port=${ALM_SLURM_PORT:-26900}
mkdir -p "$root"/{state,log,run,key,spool-a,spool-b}

# The daemon that signs messages wants a folder that nobody else writes to.
chmod 755 "$root/key"
[ -s "$root/key/munge.key" ] || { (umask 077; head -c 1024 /dev/urandom > "$root/key/munge.key"); }
munged --force --key-file "$root/key/munge.key" --seed-file "$root/key/seed" --socket "$root/key/socket" \
  --pid-file "$root/run/munged.pid" --log-file "$root/log/munged.log"

cat > "$root/slurm.conf" <<EOF
ClusterName=alm
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$root/key/socket,cred_expire=10
CommunicationParameters=NoInAddrAny
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool-%n
SlurmctldPidFile=$root/run/slurmctld.pid
SlurmdPidFile=$root/run/slurmd-%n.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd-%n.log
# Neither control groups nor an accounting database: a container has none of either.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=30
KillWait=5
JobRequeue=1
MinJobAge=600
SchedulerParameters=sched_min_interval=100000
NodeName=a NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
NodeName=b NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=a,b Default=YES MaxTime=INFINITE State=UP
EOF
echo "CgroupAutomount=no" > "$root/cgroup.conf"
export SLURM_CONF=$root/slurm.conf
slurmctld -c
slurmd -N a
slurmd -N b
for _ in $(seq 100); do
  [ "$(sinfo -h -o %t 2>/dev/null | sort -u)" = idle ] && exit 0
  sleep 0.1
done
echo "the cluster does not come up; see $root/log" >&2
sinfo >&2 || true
exit 1
