import { atMost, type Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
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
  /** Turns away who waits, and who still comes, with OVERLOADED: the process ends. */
  close(): void;
};

/** For so long, at most, a call insists on all it wants; after that it takes what there is, down to its need. */
const INSISTS_MS = 1_000;
const RETRY_AFTER_STOP_MS = 1_000;
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
  const insistsMs = Math.min(INSISTS_MS, waitMs / 2);
  let isClosed = false;

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
    while (line.waiting.length > 0 && !isClosed) {
      const tried = line.waiting.slice(0, TRIED_TOGETHER);
      const room = new Promise<void>((resolve) => {
        line.wake = resolve;
      });
      const answers = await Promise.all(tried.map(attempt));
      const refusals = new Map<string, Refused>();
      for (const [index, answer] of answers.entries()) {
        if (answer?.granted === false) refusals.set(budgetsOf(tried[index]!), answer);
      }
      line.waiting = line.waiting.filter((waiter) => {
        const answer = answers[tried.indexOf(waiter)] ?? refusals.get(budgetsOf(waiter));
        return !isServed(waiter, answer, budgetId);
      });
      const isMoving = answers.some((answer) => answer?.granted !== false);
      if (!isMoving && line.waiting.length > 0) await atMost(clock, LOOK_AGAIN_MS, room);
    }
    lines.delete(budgetId);
    for (const waiter of line.waiting) waiter.reject(stopping());
  }

  /** Undefined: it failed, and the waiter knows. */
  async function attempt(waiter: Waiter): Promise<Reserved | undefined> {
    waiter.needsOnly = clock.monotonic() - waiter.since >= insistsMs;
    try {
      return await reserve({ ...waiter.request, needPico: leastWelcome(waiter) });
    } catch (error) {
      waiter.reject(error);
      return undefined;
    }
  }

  /** `answer`: the waiter's own, or that of one under the very same budgets. */
  function isServed(waiter: Waiter, answer: Reserved | undefined, budgetId: number): boolean {
    if (waiter.hasFailed) return true;
    if (answer?.granted === true) {
      waiter.resolve(answer);
      return true;
    }
    waiter.unspentPico = answer?.unspentPico ?? waiter.unspentPico;
    const isHopeless = answer !== undefined && answer.unspentPico < waiter.request.needPico;
    const isOverdue = waiter.needsOnly && clock.monotonic() - waiter.since >= waitMs;
    if (!isHopeless && !isOverdue) return false;
    waiter.resolve(answer ?? { granted: false, budgetId, unspentPico: waiter.unspentPico });
    return true;
  }

  return {
    async reserve(request) {
      if (isClosed) throw stopping();
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
    close() {
      isClosed = true;
      for (const line of lines.values()) line.wake();
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
      needsOnly: false,
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
  /** It asked, or would have asked, for no more than it needs. */
  needsOnly: boolean;
  resolve(reserved: Reserved): void;
  reject(error: unknown): void;
};

type Refused = Extract<Reserved, { readonly granted: false }>;

function budgetsOf({ request }: Waiter): string {
  return request.call.budgetIds.join();
}

/** All it wants, or all that is left of the budget if that is less; later, only what it needs. */
function leastWelcome({ request, needsOnly, unspentPico }: Waiter): Pico {
  const { needPico, wantPico } = request;
  if (needsOnly) return needPico;
  const most = unspentPico < wantPico ? unspentPico : wantPico;
  return most < needPico ? needPico : most;
}

function stopping(): TollgateError {
  return new TollgateError("OVERLOADED", { retryAfterMs: RETRY_AFTER_STOP_MS });
}
