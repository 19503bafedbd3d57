import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { type Upstream, upstreamEnv } from "./upstream.ts";

/** An upstream in a process of its own: whatever becomes of its clients, its books are whole. */
export type UpstreamApart = AsyncDisposable & {
  readonly env: Upstream["env"];
  /** Its books once nobody is connected any more. Its clients must have ended. */
  closedBooks(): Promise<readonly SimulatedCall[]>;
};

export async function startUpstreamApart(): Promise<UpstreamApart> {
  const child = fork(join(import.meta.dirname, "upstream.apart.child.ts"));
  const [baseUrl] = (await once(child, "message")) as [string];
  return {
    env: upstreamEnv(baseUrl),
    async closedBooks() {
      child.send("close the books");
      const [calls] = (await once(child, "message")) as [readonly SimulatedCall[]];
      return calls;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}
