import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Imported by tests only. Which jobs a worker of the kill proofs does, by their payload. */
export type Manner = "ok" | "flaky" | "poison";

/** Of every twenty: fifteen that work, four that fail once, one that never works. */
export function mannerOf(index: number): Manner {
  const place = index % 20;
  return place === 0 ? "poison" : place <= 4 ? "flaky" : "ok";
}

/** One line for each attempt that began. */
export type Begun = { readonly job: number; readonly attempt: number };

export type WorkerProcess = {
  readonly begun: readonly Begun[];
  /** How many jobs are neither completed nor dead, as it saw last. */
  left(): number;
  kill(): Promise<void>;
  /** SIGTERM: it gives back what it has. */
  stop(): Promise<void>;
};

/** A worker in a process of its own, which says what it begins. @param place a PostgreSQL URL, or a folder of PGlite. */
export async function startWorkerProcess(place: string): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, place], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  const begun: Begun[] = [];
  let left = Number.POSITIVE_INFINITY;
  const lines = createInterface(child.stdout);
  const ready = once(lines, "line");
  lines.on("line", (line) => {
    if (line.startsWith("{")) begun.push(JSON.parse(line) as Begun);
    else left = Number(line);
  });
  await ready;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "close") : undefined;
    child.kill(signal);
    await ended;
    running.delete(child);
  };
  return { begun, left: () => left, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}

/** Whatever way this process ends, nothing of it stays behind. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const program = `
  import { systemClock as clock } from "../lib/clock.ts";
  import { systemChance as chance } from "../lib/ids.ts";
  import { openPglite } from "../store/pglite.ts";
  import { openPostgres } from "../store/postgres.ts";
  import { writeSync } from "node:fs";
  import { setTimeout as pause } from "node:timers/promises";
  import { readQueue } from "./queue-watch.ts";
  import { startWorker } from "./worker.ts";
  const place = process.argv[1];
  const store = place.startsWith("postgres")
    ? await openPostgres({ url: place, poolSize: 4, clock })
    : await openPglite({ folder: place, clock });
  const worker = startWorker({
    store, clock, chance, name: String(process.pid), concurrency: 4, leaseMs: 1_500, retryBaseMs: 50, perProject: 0,
    neededPico: () => 0n, announce: async () => {}, onAttempt: () => {}, onTrouble: () => {},
    async perform({ id, attempt, payload }) {
      writeSync(1, JSON.stringify({ job: id, attempt }) + "\\n");
      await pause(40 + (id % 7) * 20);
      if (payload.manner === "poison" || (payload.manner === "flaky" && attempt === 1)) throw new Error(payload.manner);
      return { attempt };
    },
  });
  const counting = setInterval(async () => {
    const { pending, running, retrying } = (await readQueue(store.db)).counts;
    writeSync(1, pending + running + retrying + "\\n");
  }, 200);
  process.once("SIGTERM", async () => {
    clearInterval(counting);
    await worker.close(200);
    await store.close();
  });
`;
