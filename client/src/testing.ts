import { VirtualClock } from "../../gateway/src/lib/clock.ts";

/** A request as a server would see it. */
export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly signal: AbortSignal;
};

/** A `fetch` whose answers are given, and what it was asked. */
export function answering(answer: (seen: Seen, number: number) => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const fetch = (async (url: string, { method, headers, body, signal }: RequestInit) => {
    const json = body === undefined ? undefined : (JSON.parse(String(body)) as unknown);
    const one = { method: method!, url, headers: new Headers(headers), body: json, signal: signal! };
    seen.push(one);
    return await answer(one, seen.length - 1);
  }) as typeof globalThis.fetch;
  return { fetch, seen };
}

export function json(body: unknown, init: ResponseInit = {}): Response {
  const headers = new Headers(init.headers);
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify(body), { ...init, headers });
}

export function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json({ error: { code, message: code, correlationId: "req_1" } }, { status, headers });
}

/** As an aborted `fetch` does. */
export function never({ signal }: Pick<Seen, "signal">): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () =>
      reject(new DOMException("This operation was aborted", "AbortError")),
    );
  });
}

/** A clock whose time passes as fast as somebody waits for it. */
export function hurriedClock(): VirtualClock & { readonly waits: readonly number[] } {
  const clock = new VirtualClock();
  const waits: number[] = [];
  const { after } = clock;
  return Object.assign(clock, {
    waits,
    after(ms: number, run: () => void) {
      const cancel = after(ms, run);
      let isOff = false;
      // Whatever can be done without waiting comes first.
      setImmediate(() => {
        if (isOff) return;
        waits.push(ms);
        clock.advance(ms);
      });
      return () => {
        isOff = true;
        cancel();
      };
    },
  });
}
