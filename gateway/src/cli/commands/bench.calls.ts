import type { Clock } from "../../lib/clock.ts";
import type { Origin } from "../../lib/fetch.ts";
import { firstByte } from "../asking.ts";
import type { Slice } from "./bench.figures.ts";

/** Where calls go, and what lets them in there. */
export type Way = { readonly origin: Origin; readonly token: string };

export type Calls = {
  /** A whole answer, or the first byte of a stream. */
  readonly what: "whole" | "firstByte";
  readonly way: Way;
  /** Calls at a time. */
  readonly connections: number;
  readonly ms: number;
};

const messages = [{ role: "user", content: "How long does this take?" }];
const bodies = {
  whole: Buffer.from(JSON.stringify({ model: "sim-echo", messages })),
  firstByte: Buffer.from(JSON.stringify({ model: "sim-words-20", messages, stream: true })),
};

/** Asks without a pause, and waits for what began in time. Rejects if an answer is no success. */
export async function callsFor(calls: Calls, clock: Clock): Promise<Slice> {
  const { what, way, connections, ms } = calls;
  const headers = { authorization: `Bearer ${way.token}`, "content-type": "application/json" };
  const request = { method: "POST", path: "/chat/completions", headers, body: bodies[what] } as const;
  const beganAt = clock.monotonic();
  const takenMs: number[] = [];
  const caller = async (): Promise<void> => {
    while (clock.monotonic() - beganAt < ms) {
      const startedAt = clock.monotonic();
      const { reply, firstByteMs } = await firstByte(way.origin, request, clock.monotonic);
      if (reply.status !== 200) throw new Error(`a call was answered ${reply.status}: ${reply.text}`);
      takenMs.push(what === "whole" ? clock.monotonic() - startedAt : firstByteMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, caller));
  return { takenMs, elapsedMs: clock.monotonic() - beganAt };
}
