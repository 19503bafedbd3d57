import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";

/** The thread of `watchHealth`: says that it is ready, and at the end how long each answer took. */
const urls = workerData as readonly string[];
let isOver = false;
const watched = Promise.all(urls.map(watch));
parentPort!.postMessage("ready");
await once(parentPort!, "message");
isOver = true;
parentPort!.postMessage((await watched).flat());

async function watch(url: string): Promise<readonly number[]> {
  await healthOf(url);
  const elapsedMs: number[] = [];
  while (!isOver) {
    const startedAt = performance.now();
    await healthOf(url);
    elapsedMs.push(performance.now() - startedAt);
  }
  return elapsedMs;
}

async function healthOf(url: string): Promise<void> {
  const answer = await fetch(`${url}/healthz`);
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`/healthz answered ${answer.status}`);
}
