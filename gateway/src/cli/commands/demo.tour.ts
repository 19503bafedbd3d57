import { type Clock, sleep } from "../../lib/clock.ts";
import { openOrigin } from "../../lib/fetch.ts";
import type { SimulatedCall } from "../../providers/simulated.ts";
import { askAndLeave, askWhole, type Reply } from "../asking.ts";
import { type Asked, curlOf } from "./demo.curl.ts";
import type { Place } from "./demo.place.ts";

/** One stop of the tour: it asks, claims what must hold, and answers what that proves in a sentence. */
export type Step = {
  readonly title: string;
  readonly walk: (tour: Tour) => Promise<string>;
};

/** How a step went. `fault` says what did not hold. */
export type StepResult = {
  readonly title: string;
  readonly ok: boolean;
  readonly exchanges: readonly Shown[];
  readonly proves?: string;
  readonly fault?: string;
};

/** A request as a command, and the telling parts of its answer, as lines. */
export type Shown = { readonly request: readonly string[]; readonly answer: readonly string[] };

export type Answer = Reply & {
  readonly asked: Asked;
  /** The body as JSON. */
  read<T>(): T;
};

export type Tour = AsyncDisposable & {
  /** @param line Method and path: `POST /v1/decide`. */
  ask(line: string, asking?: Asking): Promise<Answer>;
  /** Puts an answer into the story. */
  show(answer: Answer, ...lines: readonly string[]): void;
  /** From now on the shown requests may use this key. */
  name(name: string, key: string): void;
  /** Asks until the answer satisfies; claims that it does within 15 seconds. */
  until(line: string, asking: Asking, isThere: (answer: Answer) => boolean): Promise<Answer>;
  /** What the providers were asked so far. */
  readonly providersSaw: readonly SimulatedCall[];
  readonly requests: () => number;
  /** The named keys. */
  readonly keys: () => Readonly<Record<string, string>>;
  /** What was shown since the last time. */
  takeShown(): readonly Shown[];
};

export type Asking = Omit<Asked, "method" | "path">;

/** What a step said would hold does not. */
class ClaimFailed extends Error {
  override readonly name = "ClaimFailed";
}

export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new ClaimFailed(what);
}

const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;
const TIMEOUTS = { connectTimeoutMs: 10_000, headersTimeoutMs: 30_000, bodyTimeoutMs: 30_000 };

export function openTour({ url, asked: providersSaw }: Pick<Place, "url" | "asked">, clock: Clock): Tour {
  const origin = openOrigin(url, TIMEOUTS);
  const named = new Map<string, string>();
  const shown: Shown[] = [];
  let requests = 0;

  const ask = async (line: string, asking: Asking = {}): Promise<Answer> => {
    const [method, path] = line.split(" ") as ["GET" | "POST", string];
    const { as, json, headers, leavesAfterMs } = asking;
    const request = {
      method,
      path,
      headers: {
        ...headers,
        ...(as === undefined ? {} : { authorization: `Bearer ${named.get(as)}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(json === undefined ? {} : { body: Buffer.from(JSON.stringify(json)) }),
    };
    requests += 1;
    const reply =
      leavesAfterMs === undefined
        ? await askWhole(origin, request)
        : await askAndLeave(origin, request, sleep(clock, leavesAfterMs));
    return { ...reply, asked: { method, path, ...asking }, read: () => JSON.parse(reply.text) };
  };
  return {
    ask,
    async until(line, asking, isThere) {
      const startedAt = clock.monotonic();
      for (;;) {
        const answer = await ask(line, asking);
        if (isThere(answer)) return answer;
        claim(clock.monotonic() - startedAt < PATIENCE_MS, `${line} says for too long: ${answer.text}`);
        await sleep(clock, PAUSE_MS);
      }
    },
    show: ({ asked }, ...lines) => void shown.push({ request: curlOf(asked), answer: lines }),
    name(name, key) {
      named.set(name, key);
      shown.push({ request: [], answer: [`${name}=${key}`] });
    },
    providersSaw,
    requests: () => requests,
    keys: () => Object.fromEntries(named),
    takeShown: () => shown.splice(0),
    [Symbol.asyncDispose]: () => origin.close(),
  };
}

/** Walks a step to its end. Never rejects: whatever goes wrong is the step's fault. */
export async function walk({ title, walk }: Step, tour: Tour): Promise<StepResult> {
  try {
    const proves = await walk(tour);
    return { title, ok: true, exchanges: tour.takeShown(), proves };
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { title, ok: false, exchanges: tour.takeShown(), fault };
  }
}
