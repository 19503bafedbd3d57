import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Stops with the time within which 9 of 10 answers came, milliseconds. */
export type Watch = { stop(): Promise<number> };

/** Asks servers for their health without a pause, from a thread that nothing else holds up. */
export async function watchHealth(urls: readonly string[]): Promise<Watch> {
  const worker = new Worker(new URL("./health.worker.ts", import.meta.url), { workerData: urls });
  await once(worker, "message");
  return {
    async stop() {
      worker.postMessage("stop");
      const [elapsedMs] = (await once(worker, "message")) as [readonly number[]];
      return elapsedMs.toSorted((a, b) => a - b)[Math.floor(elapsedMs.length * 0.9)]!;
    },
  };
}
