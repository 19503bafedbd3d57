import { type Clock, sleep } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import type { Reserved, ReserveRequest } from "./reserve.ts";

export type Patience = {
  /**
   * Reserves, and waits while the money is there but held by other calls: what they do not spend comes back when they
   * settle. Refuses at once when even that would not do, else after `waitMs`. Calls are served in their order, and
   * none is granted less than it wants while waiting a moment may give it all.
   */
  reserve(request: ReserveRequest): Promise<Reserved>;
  /** A call under these budgets has settled: there may be room now. */
  freed(budgetIds: readonly number[]): void;
};

/** For so long a call insists on all it wants; after that it takes what there is, down to its need. */
const INSISTS_MS = 1_000;
/** Other instances settle without a word to this one. */
const LOOK_AGAIN_MS = 50;
const TRIED_TOGETHER = 20;

export function patience(deps: {
  readonly clock: Clock;
  readonly reserve: (request: ReserveRequest) => Promise<Reserved>;
  readonly waitMs: number;
}): Patience {
  const { clock, reserve, waitMs } = deps;
  const lines = new Map<number, Line>();

  function join(budgetId: number, waiter: Waiter): void {
    const line = lines.get(budgetId);
    if (line !== undefined) {
      line.waiting.push(waiter);
      return;
    }
    const opened: Line = { waiting: [waiter], wake: () => {} };
    lines.set(budgetId, opened);
    void serve(budgetId, opened);
  }

  async function serve(budgetId: number, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      const tried = line.waiting.slice(0, TRIED_TOGETHER);
      const room = new Promise<void>((resolve) => {
        line.wake = resolve;
      });
      const answers = await Promise.all(tried.map((waiter) => attempt(waiter)));
      const refusal = answers.findLast((answer) => answer?.granted === false);
      line.waiting = line.waiting.filter(
        (waiter) => !isServed(waiter, answers[tried.indexOf(waiter)], refusal),
      );
      const isMoving = answers.some((answer) => answer?.granted !== false);
      if (!isMoving && line.waiting.length > 0) await Promise.race([room, sleep(clock, LOOK_AGAIN_MS)]);
    }
    lines.delete(budgetId);
  }

  /** Undefined: it failed, and the waiter knows. */
  async function attempt(waiter: Waiter): Promise<Reserved | undefined> {
    try {
      return await reserve({ ...waiter.request, needPico: leastWelcome(waiter, clock.monotonic()) });
    } catch (error) {
      waiter.reject(error);
      return undefined;
    }
  }

  /** `answer` is the waiter's own if it was tried; `refusal` is the line's latest. */
  function isServed(waiter: Waiter, answer: Reserved | undefined, refusal: Reserved | undefined): boolean {
    if (waiter.hasFailed) return true;
    if (answer?.granted === true) {
      waiter.resolve(answer);
      return true;
    }
    const latest = answer ?? refusal;
    if (latest === undefined || latest.granted) return false;
    waiter.unspentPico = latest.unspentPico;
    const isHopeless = latest.unspentPico < waiter.request.needPico;
    if (!isHopeless && clock.monotonic() - waiter.since < waitMs) return false;
    waiter.resolve(latest);
    return true;
  }

  return {
    async reserve(request) {
      const { budgetIds } = request.call;
      const since = clock.monotonic();
      const lined = budgetIds.find((id) => lines.has(id));
      if (lined === undefined) {
        const answer = await reserve({
          ...request,
          needPico: budgetIds.length === 0 ? request.needPico : request.wantPico,
        });
        if (answer.granted || answer.unspentPico < request.needPico) return answer;
        return wait(answer.budgetId, request, since, answer.unspentPico);
      }
      return wait(lined, request, since, request.wantPico);
    },
    freed(budgetIds) {
      for (const id of budgetIds) lines.get(id)?.wake();
    },
  };

  function wait(
    budgetId: number,
    request: ReserveRequest,
    since: number,
    unspentPico: Pico,
  ): Promise<Reserved> {
    const { promise, resolve, reject } = Promise.withResolvers<Reserved>();
    const waiter: Waiter = {
      request,
      since,
      unspentPico,
      hasFailed: false,
      resolve,
      reject(error) {
        waiter.hasFailed = true;
        reject(error);
      },
    };
    join(budgetId, waiter);
    return promise;
  }
}

type Line = { waiting: Waiter[]; wake: () => void };

type Waiter = {
  readonly request: ReserveRequest;
  /** Monotonic milliseconds. */
  readonly since: number;
  /** What the budget had not spent when last asked. */
  unspentPico: Pico;
  hasFailed: boolean;
  resolve(reserved: Reserved): void;
  reject(error: unknown): void;
};

/** All it wants, or all that is left of the budget if that is less; later, only what it needs. */
function leastWelcome({ request, since, unspentPico }: Waiter, now: number): Pico {
  const { needPico, wantPico } = request;
  if (now - since >= INSISTS_MS) return needPico;
  const most = unspentPico < wantPico ? unspentPico : wantPico;
  return most < needPico ? needPico : most;
}
