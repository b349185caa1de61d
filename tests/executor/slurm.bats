#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify over a real Slurm: one controller and one node, with a munged of
# their own, on ports of their own, all of it in the test's folder.

load ../lib
load ../executor

setup_file() {
	export AT=$BATS_FILE_TMPDIR/slurm
	export SLURM_CONF=$AT/slurm.conf
	lacks_slurm && return
	mkdir -p "$AT/state" "$AT/spool"
	chmod 755 "$AT"
	head -c 1024 /dev/urandom >"$AT/munge.key"
	chmod 400 "$AT/munge.key"
	cat >"$SLURM_CONF" <<-EOF
	ClusterName=schedkit_test
	SlurmctldHost=$(hostname -s)(127.0.0.1)
	SlurmctldPort=$(port)
	SlurmUser=$(id -un)
	SlurmdUser=$(id -un)
	AuthType=auth/munge
	CredType=cred/munge
	AuthInfo=socket=$AT/munge.socket,cred_expire=5
	StateSaveLocation=$AT/state
	SlurmdSpoolDir=$AT/spool
	SlurmctldPidFile=$AT/slurmctld.pid
	SlurmdPidFile=$AT/slurmd.pid
	SlurmctldLogFile=$AT/slurmctld.log
	SlurmdLogFile=$AT/slurmd.log
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/none
	AccountingStorageType=accounting_storage/none
	MpiDefault=none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core
	SlurmdTimeout=10
	ReturnToService=2
	KillWait=2
	MessageTimeout=5
	SchedulerParameters=sched_interval=2,bf_interval=2
	NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$(port) CPUs=$(nproc) State=UNKNOWN
	PartitionName=test Nodes=n1 Default=YES MaxTime=INFINITE State=UP
	EOF
	# Newer ones have to be told that there is none.
	[[ $(slurmd -V) == *\ 22.* ]] ||
		echo CgroupPlugin=disabled >"$AT/cgroup.conf"
	munged --force --key-file="$AT/munge.key" --socket="$AT/munge.socket" \
		--pid-file="$AT/munge.pid" --log-file="$AT/munge.log" \
		--seed-file="$AT/munge.seed" 3>&-
	begin slurmctld
	begin slurmd -N n1
	until_so 60 node_is idle || {
		cat "$AT"/*.log >&2
		return 1
	}
}

lacks_slurm() {
	local p
	[ "$(id -u)" = 0 ] || return 0
	for p in slurmctld slurmd munged sbatch; do
		command -v $p >/dev/null || return 0
	done
	return 1
}

# begin DAEMON [OPTION...]: its process in $AT/DAEMON.is.
begin() {
	local name=$1
	shift
	"$name" -D -f "$SLURM_CONF" "$@" >>"$AT/$name.out" 2>&1 </dev/null 3>&- &
	echo $! >"$AT/$name.is"
}

node_is() {
	[[ $(sinfo -h -o %T 2>/dev/null) == "$1"* ]]
}

ended() {
	local pid
	pid=$(cat "$AT/$1.is")
	kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
	until_so 20 eval "! kill -0 $pid"
}

teardown_file() {
	[ -e "$SLURM_CONF" ] || return 0
	ended slurmd
	ended slurmctld
	kill "$(cat "$AT/munge.pid")" || :
}

setup() {
	! lacks_slurm || skip 'needs slurmctld, slurmd, munge and root'
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
	engine_setup slurm,cpus=1 "$XDG_CACHE_HOME/schedkit/jobs"
}

teardown() {
	asker_gone
	[ -e "$SLURM_CONF" ] || return 0
	scancel --quiet --user="$(id -u)" || :
	kill -0 "$(cat "$AT/slurmd.is")" 2>/dev/null || begin slurmd -N n1
}

no_job_left() {
	until_so 30 eval '[ -z "$(squeue -h)" ]'
}

# A node's daemon is killed with what the names are of, while it runs jobs.
node_dies() {
	local p
	begun 4
	until_so 60 pgrep -x run-job
	kill -9 "$(cat "$AT/slurmd.is")"
	# Those of this Slurm alone: their folder is in its configuration.
	for p in $(pgrep -x "$1"); do
		! grep -qzsF "$AT" "/proc/$p/environ" || kill -9 "$p" || :
	done
}

@test 'slurm: 32 candidates, the same answer' {
	local rc=0
	ask || rc=$?
	is $rc 1
	same_as_here
	no_job_left
}

# What is on the node dies with it, as when its power goes.
@test 'slurm: a node daemon killed midway, and its jobs with it' {
	node_dies 'slurmstepd|run-job'
	# It takes a while to be missed.
	until_so 60 node_is down
	begin slurmd -N n1
	ends 1
	same_as_here
	no_job_left
}

# The processes of the jobs go on, and what they have is taken.
@test 'slurm: a node daemon killed midway, and its jobs left alone' {
	node_dies slurmstepd
	sleep 2
	begin slurmd -N n1
	ends 1
	same_as_here
	no_job_left
}

@test 'slurm: the controller is gone for some seconds' {
	begun 4
	ended slurmctld KILL
	sleep 8
	begin slurmctld
	ends 1
	same_as_here
	no_job_left
}

@test 'slurm: who is interrupted ends the jobs' {
	begun 2
	tell TERM
	ends 4
	has "$(cat err)" interrupted
	no_job_left
	is "$(ls "$jobs")" ''
}

@test 'slurm: who was killed goes on where it was' {
	local rc=0
	begun 6
	tell KILL
	ends 137
	[ "$(find "$jobs" -name '*.answer' | wc -l)" -lt 32 ]
	ask || rc=$?
	is $rc 1
	same_as_here
	no_job_left
}

@test 'slurm: what it refuses is said' {
	exits 3 sched-verify --json --stages lint \
		--executor slurm,partition=none <in
	has "$stderr" partition
	exits 4 env SLURM_CONF=/nonexistent sched-verify --json --stages lint \
		--executor slurm,patience=1 <in
	has "$stderr" 'cannot be reached'
}
