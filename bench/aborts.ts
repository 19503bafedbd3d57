import { setTimeout as sleep } from "node:timers/promises";
import type { Mock } from "./mock/mock.ts";
import { runStreams } from "./stream.ts";
import type { Target } from "./targets.ts";

export type AbortsResult = {
  readonly aborted: number;
  /** Streams the mock was still sending three seconds after the last client had left. */
  readonly left: number;
  readonly errors: readonly string[];
};

const AT_ONCE = 100;
const WAIT_MS = 3000;
/** Much longer than the test, so that no stream ends by itself. */
const ENDLESS = { chunks: 100_000, pauseMs: 5 };

/** Clients that leave in the middle of a stream; a gateway that leaks keeps its upstream connections. */
export async function abortStreams(target: Target, mock: Mock, count: number): Promise<AbortsResult> {
  await mock.setPace(ENDLESS);
  const before = await mock.stats();
  const request = target.request({ bytes: 1024, stream: true });
  const errors: string[] = [];
  for (let done = 0; done < count; done += AT_ONCE) {
    const wave = await runStreams({ request, count: Math.min(AT_ONCE, count - done), leaveAfter: 3 });
    errors.push(...wave.errors);
  }
  const deadline = performance.now() + WAIT_MS;
  let now = await mock.stats();
  while (now.streaming > before.streaming && performance.now() < deadline) {
    await sleep(50);
    now = await mock.stats();
  }
  return { aborted: now.aborted - before.aborted, left: now.streaming - before.streaming, errors };
}
