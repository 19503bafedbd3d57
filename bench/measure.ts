import { readdirSync, readFileSync } from "node:fs";

/** One line of /proc/PID/stat. */
export type ProcessTimes = {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process and of the children it has waited for, in milliseconds. */
  readonly cpuMs: number;
};

/** Every process at one moment, and the time the hypervisor took from this machine. */
export type Snapshot = { readonly processes: ReadonlyMap<number, ProcessTimes>; readonly stolenMs: number };

/** USER_HZ, the unit of /proc/PID/stat: 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const KERNEL_THREADS = 2;

export function takeSnapshot(): Snapshot {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const processes = pids.map(readTimes).filter((times) => times !== undefined);
  const steal = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!.trim().split(/\s+/)[8];
  return {
    processes: new Map(processes.map((times) => [times.pid, times])),
    stolenMs: Number(steal ?? 0) * MS_PER_TICK,
  };
}

function readTimes(pid: string): ProcessTimes | undefined {
  try {
    return parseTimes(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined; // it has ended meanwhile
  }
}

export function parseTimes(stat: string): ProcessTimes {
  const name = stat.lastIndexOf(")"); // a process name may contain blanks and parentheses
  const fields = stat.slice(name + 2).split(" ");
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
  return { pid: Number.parseInt(stat, 10), parent: Number(fields[1]), cpuMs: ticks * MS_PER_TICK };
}

/** The process ids of `roots` and everything that descends from them. */
function treeOf(snapshot: Snapshot, roots: readonly number[]): ReadonlySet<number> {
  const tree = new Set(roots);
  for (let grown = -1; grown !== tree.size; ) {
    grown = tree.size;
    for (const { pid, parent } of snapshot.processes.values()) if (tree.has(parent)) tree.add(pid);
  }
  return tree;
}

/** CPU of a process and all that descend from it between two moments. Ended children are counted too. */
export function cpuMsBetween(before: Snapshot, after: Snapshot, root: number): number {
  return sumOf(after, treeOf(after, [root])) - sumOf(before, treeOf(before, [root]));
}

/** CPU that neither `root` and its descendants nor the kernel's threads had; what the hypervisor took included. */
export function foreignCpuMsBetween(before: Snapshot, after: Snapshot, root: number): number {
  const known = [root, KERNEL_THREADS];
  const others = (moment: Snapshot) => {
    const tree = treeOf(moment, known);
    return sumOf(moment, new Set([...moment.processes.keys()].filter((pid) => !tree.has(pid))));
  };
  return others(after) - others(before) + (after.stolenMs - before.stolenMs);
}

function sumOf(snapshot: Snapshot, pids: ReadonlySet<number>): number {
  let sum = 0;
  for (const pid of pids) sum += snapshot.processes.get(pid)?.cpuMs ?? 0;
  return sum;
}

/** Resident memory of one process in MB (10⁶ bytes). */
export function residentMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}
