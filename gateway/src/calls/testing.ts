import { budgetStatus } from "../costs/budgets.ts";
import type { Settlement } from "../costs/ledger.ts";
import { ratesFrom } from "../costs/rates.ts";
import type { Reserved, ReserveRequest } from "../costs/reserve.ts";
import { principal } from "../identity/testing.ts";
import { DAY_MS, nextTurn, VirtualClock } from "../lib/clock.ts";
import type { ExchangeEvents, ExchangeFailure } from "../lib/fetch.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import type { Outcome } from "../providers/breaker.ts";
import type { Pass } from "../providers/breakers.ts";
import type { Provider, UpstreamRequest } from "../providers/provider.ts";
import type { Answer, Call } from "./call.ts";
import { chatFormat, type Format } from "./formats.ts";
import { aiRequest } from "./request.ts";
import type { Target } from "./route.ts";
import { type RunDeps, run } from "./run.ts";

/** Imported by tests only. Lets everything happen that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise(nextTurn);
}

/** A provider whose every word is said by the test. After an abort it is silent, as an exchange is. */
export function scriptedProvider(fields: Partial<Provider> = {}) {
  const flow: ("pause" | "resume" | "abort")[] = [];
  let asked: UpstreamRequest | undefined;
  let events: ExchangeEvents | undefined;
  let wasSent = true;
  const provider: Provider = {
    name: "openai",
    simulated: false,
    speaks: ["openai-chat"],
    reportsStreamUsage: true,
    chatOutputLimit: "max_completion_tokens",
    models: [],
    connect: async () => {},
    close: async () => {},
    ...fields,
    send(request, listener) {
      asked = request;
      events = listener;
      return {
        get wasSent() {
          return wasSent;
        },
        pause: () => void flow.push("pause"),
        resume: () => void flow.push("resume"),
        abort() {
          flow.push("abort");
          events = undefined;
        },
      };
    },
  };
  return {
    provider,
    flow,
    wasAsked: () => asked !== undefined,
    /** It still waits for a connection. */
    connecting() {
      wasSent = false;
    },
    askedBody: () => JSON.parse(asked!.body.toString()) as Record<string, unknown>,
    head: (status: number, headers: Record<string, string> = {}) => events?.head(status, headers),
    chunk: (bytes: string | Buffer) => events?.chunk(Buffer.from(bytes)),
    end: () => events?.end(),
    fail: (kind: ExchangeFailure["kind"]) => events?.fail({ kind, cause: new Error(`scripted ${kind}`) }),
  };
}

/** An answer kept in memory, whose reader may be slow or leave. */
function memoryAnswer() {
  const state = {
    isOpen: true,
    isFull: false,
    wasAbandoned: false,
    status: 0,
    headers: {} as Readonly<Record<string, string>>,
    text: "",
    ended: 0,
  };
  let onGone = () => {};
  let onDrain = () => {};
  const answer: Answer = {
    isOpen: () => state.isOpen,
    begin: (status, headers) => void Object.assign(state, { status, headers }),
    write(bytes) {
      state.text += bytes.toString();
      return !state.isFull;
    },
    end(bytes) {
      state.text += bytes.toString();
      state.ended += 1;
    },
    onDrain(listener) {
      onDrain = listener;
    },
    abandon() {
      state.isOpen = false;
      state.wasAbandoned = true;
    },
    onGone(listener) {
      onGone = listener;
    },
  };
  return Object.assign(state, {
    answer,
    leave() {
      state.isOpen = false;
      onGone();
    },
    drain() {
      state.isFull = false;
      onDrain();
    },
  });
}

/** USD per million tokens: 10 in, 1 cached, 30 out. */
export const testRates = ratesFrom({ input: "10", cachedInput: "1", output: "30" });

export function targetAt(provider: Provider, model = "gpt-5.1", format: Format = chatFormat): Target {
  const price = { source: "shipped", id: `${provider.name}/${model}`, rates: testRates } as const;
  return { provider, model, price, format, translation: undefined, timeoutMs: undefined };
}

/** A call of usr_ann, ready to run. */
export function callTo(provider: Provider, body: Record<string, unknown> = {}, model = "gpt-5.1"): Call {
  const json = { model: "openai/gpt-5.1", messages: [{ role: "user", content: "Hello" }], ...body };
  return {
    id: uuidv7(0, seededChance(1)),
    correlationId: "req_0123456789",
    principal: principal(),
    projectId: undefined,
    operation: "chat",
    endpointClass: "chat",
    request: aiRequest(chatFormat, json, Buffer.byteLength(JSON.stringify(json))),
    headers: {},
    route: { retries: 0, targets: [targetAt(provider, model)] },
    ticket: { settle: async () => {}, giveBack: async () => true },
  };
}

/** A closed breaker; what is reported to it is told. */
export function passing(told: (outcome: Outcome) => void = () => {}, isProbe = false): Pass {
  return { kind: "pass", isProbe, report: told, renew: () => {} };
}

type Options = {
  readonly body?: Record<string, unknown>;
  readonly provider?: Partial<Provider>;
  /** The model's name at the provider. */
  readonly model?: string;
  readonly budgetIds?: readonly number[];
  readonly reserve?: (request: ReserveRequest) => Promise<Reserved>;
  /** Who is asked after the first. */
  readonly others?: readonly Target[];
  readonly retries?: number;
  readonly admit?: RunDeps["breakers"]["admit"];
  readonly topUp?: RunDeps["topUp"];
  /** The ledger does not answer until `settled()` is called. */
  readonly ledgerHangs?: boolean;
  readonly readerHasLeft?: boolean;
};

/** Runs a call in virtual time, with everything around it in the test's hands. */
export async function running(options: Options = {}) {
  const clock = new VirtualClock();
  const upstream = scriptedProvider(options.provider);
  const reader = memoryAnswer();
  if (options.readerHasLeft) reader.isOpen = false;
  const reserved: ReserveRequest[] = [];
  const settlements: Settlement[] = [];
  const stops = new Set<() => void>();
  const ledger = Promise.withResolvers<void>();
  if (!options.ledgerHangs) ledger.resolve();
  const grant = async ({ call, wantPico }: ReserveRequest): Promise<Reserved> => ({
    granted: true,
    call: { ...call, reservedPico: wantPico },
  });
  const deps: RunDeps = {
    clock,
    budgetIdsOf: async () => options.budgetIds ?? [],
    budgetOf: async (id) => ({
      id,
      scope: "user",
      scopeId: "usr_ann",
      period: "day",
      standing: budgetStatus(700_000_000_000n, 0n, 10n ** 12n),
      resetAtMs: DAY_MS,
    }),
    reserve(request) {
      reserved.push(request);
      return (options.reserve ?? grant)(request);
    },
    settle(settlement) {
      settlements.push(settlement);
      return ledger.promise;
    },
    onStop(stop) {
      stops.add(stop);
      return () => stops.delete(stop);
    },
    onFirstByte: () => {},
    onSettled: () => {},
    chance: seededChance(1),
    priceOf: () => undefined,
    topUp: options.topUp ?? (async (_call, { wantPico }) => wantPico),
    breakers: { admit: options.admit ?? (async () => passing()) },
  };
  const call = callTo(upstream.provider, options.body, options.model);
  const { retries = 0, others = [] } = options;
  const route = { retries, targets: [call.route.targets[0], ...others] as const };
  const done = run(deps, { ...call, route }, reader.answer);
  done.catch(() => undefined);
  await turn();
  return {
    ...upstream,
    clock,
    reader,
    reserved,
    settlements,
    done,
    settled: ledger.resolve,
    stops,
    stopAll() {
      for (const stop of stops) stop();
    },
  };
}

/** One event of a chat stream. */
export function event(json: Record<string, unknown>): string {
  return `data: ${JSON.stringify(json)}\n\n`;
}

export const textEvent = (content: string) => event({ choices: [{ index: 0, delta: { content } }] });
export const lastEvent = event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
export const usageEvent = (prompt: number, completion: number) =>
  event({
    choices: [],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  });
export const DONE = "data: [DONE]\n\n";
export const EVENT_STREAM = { "content-type": "text/event-stream" };
