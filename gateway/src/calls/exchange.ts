import type { Metered } from "../costs/usage.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Exchange, ExchangeFailure } from "../lib/fetch.ts";
import type { Fate } from "../providers/outcome.ts";
import type { Provider, UpstreamRequest } from "../providers/provider.ts";
import { isSilent } from "../providers/tap.events.ts";
import { type StreamTap, streamTap } from "../providers/tap.ts";
import { wholeAnswer } from "../providers/whole.ts";
import type { Answer } from "./call.ts";
import type { Format } from "./formats.ts";
import type { AnswerTranslation } from "./translation.answers.ts";
import { errorOfAnswer, errorOfFailure, errorSaid, type Told } from "./upstream-error.ts";

/**
 * How an exchange with a provider ended, and what the client still has to be told. `spent` says what is known about
 * the bill: nothing was spent; what was seen counts; or nobody knows, and the reservation stands.
 */
export type Observed = {
  readonly outcome: "completed" | "cut" | "aborted" | "failed";
  readonly spent: "nothing" | "seen" | "unknown";
  /** The model that answered, by the provider's own name; undefined: it did not say. */
  readonly model: string | undefined;
  readonly metered: Metered | undefined;
  /** False while the output in `metered` is a placeholder. */
  readonly isOutputCounted: boolean;
  /** UTF-8 bytes of answer text seen: what an estimate is made of. */
  readonly textBytes: number;
  /** What it says about the provider. */
  readonly fate: Fate;
  readonly last: LastWord;
};

export type LastWord =
  /** A whole answer, not begun yet. */
  | { readonly kind: "whole"; readonly body: Buffer }
  /** The end of a stream that has begun. */
  | { readonly kind: "end"; readonly bytes: Buffer }
  /** An error; within a stream it becomes its last event. */
  | { readonly kind: "error"; readonly error: TollgateError; readonly inStream: boolean }
  /** Nobody listens any more. */
  | { readonly kind: "none" };

/** What is asked of the provider, and how its answer is passed on. */
export type Question = UpstreamRequest & {
  /** How the provider answers. */
  readonly format: Format;
  /** If the client reads another format. */
  readonly translation: AnswerTranslation | undefined;
  readonly streams: boolean;
  readonly hideUsage: boolean;
  /** Until the first byte; undefined: the provider's own time-out. */
  readonly timeoutMs: number | undefined;
  readonly streamHeaders: () => Readonly<Record<string, string>>;
};

export type ExchangeDeps = {
  readonly clock: Clock;
  readonly onHead: (status: number, elapsedMs: number) => void;
  readonly onStop: (stop: () => void) => () => void;
};

/** A reader that takes nothing for this long has left, whatever its connection says. */
const LONGEST_STALL_MS = 60_000;
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);
/** Of an answer of which nothing was seen. */
export const UNSEEN = { model: undefined, metered: undefined, isOutputCounted: false, textBytes: 0 } as const;

/**
 * Asks the provider and passes a stream on as it comes, holding back its end. Never rejects: whatever happens becomes
 * an Observed. A client that leaves, or `stop`, aborts the exchange and frees its connection.
 */
export function exchange(
  deps: ExchangeDeps,
  provider: Provider,
  question: Question,
  answer: Answer,
): Promise<Observed> {
  const { format, translation } = question;
  const askedAt = deps.clock.monotonic();
  const { promise, resolve } = Promise.withResolvers<Observed>();
  let status = 0;
  let headers: Readonly<Record<string, string>> = {};
  let tap: StreamTap | undefined;
  /** The client has been answered; nobody else can be asked any more. */
  let hasBegun = false;
  let isOver = false;
  let callOffStall = () => {};
  const body = new Body();

  function finish(observed: Observed): void {
    if (isOver) return;
    isOver = true;
    forgetStop();
    callOffStall();
    callOffTimeout();
    resolve(observed);
  }

  function leave(last: LastWord): void {
    if (isOver) return;
    running.abort();
    const { model, metered, isOutputCounted, textBytes } = tap?.finish() ?? UNSEEN;
    const spent = spentWhenLeft(metered !== undefined || textBytes > 0);
    const fate: Fate = { kind: "clientLeft" };
    finish({ outcome: "aborted", spent, model, metered, isOutputCounted, textBytes, fate, last });
  }

  const waitedMs = (): number => deps.clock.monotonic() - askedAt;

  /** A model may have thought for long before its first word, and nobody has seen it. */
  function spentWhenLeft(hasSeen: boolean): Observed["spent"] {
    if (!running.wasSent || status >= 300) return "nothing";
    return question.streams && hasSeen ? "seen" : "unknown";
  }

  function begin(): void {
    if (hasBegun) return;
    hasBegun = true;
    answer.begin(200, question.streamHeaders());
  }

  function pass(bytes: Buffer | undefined): void {
    if (bytes === undefined) return;
    const said = translation === undefined ? bytes : translation.push(bytes);
    if (said.length === 0) return;
    begin();
    if (answer.write(said)) return;
    running.pause();
    callOffStall();
    callOffStall = deps.clock.after(LONGEST_STALL_MS, () => leave({ kind: "none" }));
  }

  /** A stream that begins with an error is no answer yet: another provider may give one. */
  function passStream(stream: StreamTap, bytes: Buffer): void {
    const passing = stream.push(bytes);
    if (stream.failed) {
      running.abort();
      finish(endOfStream(stream, undefined));
    } else pass(passing);
  }

  function endOfStream(stream: StreamTap, failure: ExchangeFailure | undefined): Observed {
    const seen = stream.finish();
    const { model, metered, isOutputCounted, textBytes, error } = seen;
    const about = { spent: "seen", model, metered, isOutputCounted, textBytes } as const;
    if (stream.failed && error !== undefined) {
      const spent = metered !== undefined || textBytes > 0 ? "seen" : "nothing";
      return { outcome: "failed", ...about, spent, ...failedBy(errorSaid(provider.name, error)) };
    }
    if (hasBegun ? seen.rest.length > 0 : !isSilent(seen.rest)) pass(seen.rest);
    const isWhole =
      seen.complete || (failure === undefined && seen.finished && format.endMarker !== undefined);
    if (isWhole || error !== undefined) {
      const bytes = endOf(
        seen.complete || error !== undefined ? seen.tail : Buffer.from(format.endMarker ?? ""),
      );
      // A translated stream has no end where the provider has not said how its own ended.
      const isCutShort = translation !== undefined && bytes.length === 0;
      if (!isCutShort) {
        begin();
        const last = { kind: "end", bytes } as const;
        return error === undefined
          ? { outcome: "completed", ...about, fate: { kind: "answered" }, last }
          : { outcome: "cut", ...about, fate: { kind: "streamError", ...error }, last };
      }
    }
    const told = errorOfFailure(failure ?? { kind: "cut", cause: undefined });
    if (!hasBegun) return { outcome: "failed", ...about, fate: { kind: "protocol" }, last: asError(told) };
    return { outcome: "cut", ...about, fate: { kind: "streamCut" }, last: brokenOff(told) };
  }

  /** The last of a stream that has begun. */
  function brokenOff(error: TollgateError): LastWord {
    const bytes = translation?.fail(error);
    return bytes === undefined ? { kind: "error", error, inStream: true } : { kind: "end", bytes };
  }

  function endOf(tail: Buffer): Buffer {
    return translation === undefined ? tail : Buffer.concat([translation.push(tail), translation.end()]);
  }

  function endOfWhole(): Observed {
    const bytes = body.bytes();
    if (status >= 300) {
      const told = errorOfAnswer({
        provider: provider.name,
        status,
        headers,
        body: bytes,
        wire: format.wire,
      });
      return { outcome: "failed", spent: "nothing", ...UNSEEN, ...failedBy(told) };
    }
    const read = wholeAnswer(format.wire, bytes);
    if (read !== undefined && read.error === undefined && read.isAnswer) {
      const { model, metered, isOutputCounted, textBytes } = read;
      const last = { kind: "whole", body: translation?.whole(bytes) ?? bytes } as const;
      const fate: Fate = { kind: "answered" };
      return { outcome: "completed", spent: "seen", model, metered, isOutputCounted, textBytes, fate, last };
    }
    const told = read?.error === undefined ? garbled(status) : errorSaid(provider.name, read.error);
    const spent = read?.error === undefined || read.metered !== undefined ? "seen" : "nothing";
    return {
      outcome: "failed",
      spent,
      model: read?.model,
      metered: read?.metered,
      isOutputCounted: read?.isOutputCounted ?? false,
      textBytes: bytes.length,
      ...failedBy(told),
    };
  }

  const running: Exchange = provider.send(question, {
    head(answerStatus, answerHeaders) {
      status = answerStatus;
      headers = answerHeaders;
      callOffTimeout();
      deps.onHead(status, waitedMs());
      if (status < 300 && answerHeaders["content-type"]?.startsWith("text/event-stream") === true) {
        tap = streamTap(format.wire, { hideUsage: question.hideUsage });
      }
    },
    chunk(bytes) {
      if (tap !== undefined) passStream(tap, bytes);
      else if (status < 300 && body.length + bytes.length > MAX_WHOLE_BYTES) {
        running.abort();
        const error = new TollgateError("PROVIDER_FAILED", undefined, {
          cause: new Error("the answer is too long"),
        });
        finish({
          outcome: "failed",
          spent: "unknown",
          ...UNSEEN,
          fate: { kind: "protocol" },
          last: asError(error),
        });
      } else if (status < 300 || body.length < MAX_ERROR_BYTES) body.add(bytes);
    },
    end() {
      finish(tap === undefined ? endOfWhole() : endOfStream(tap, undefined));
    },
    fail(failure) {
      if (tap !== undefined) return finish(endOfStream(tap, failure));
      finish(
        failed(failure, failure.kind === "connect" || status >= 300 ? "nothing" : "unknown", waitedMs()),
      );
    },
  });

  const callOffTimeout =
    question.timeoutMs === undefined
      ? () => {}
      : deps.clock.after(question.timeoutMs, () => {
          running.abort();
          const cause = new Error(`no answer within ${question.timeoutMs} ms`);
          finish(failed({ kind: "timeout", cause }, running.wasSent ? "unknown" : "nothing", waitedMs()));
        });
  answer.onGone(() => leave({ kind: "none" }));
  answer.onDrain(() => {
    callOffStall();
    running.resume();
  });
  const forgetStop = deps.onStop(() => {
    const error = new TollgateError("OVERLOADED", { retryAfterMs: 1000 });
    leave(hasBegun ? brokenOff(error) : asError(error));
  });
  return promise;
}

function failed(failure: ExchangeFailure, spent: Observed["spent"], waitedMs: number): Observed {
  const fate: Fate = failure.kind === "timeout" ? { kind: "timeout", waitedMs } : { kind: failure.kind };
  return { outcome: "failed", spent, ...UNSEEN, fate, last: asError(errorOfFailure(failure)) };
}

function garbled(status: number): Told {
  const cause = new Error(`status ${status} with a body that is no answer`);
  return { error: new TollgateError("PROVIDER_FAILED", undefined, { cause }), fate: { kind: "protocol" } };
}

function failedBy({ error, fate }: Told): Pick<Observed, "fate" | "last"> {
  return { fate, last: asError(error) };
}

function asError(error: TollgateError): LastWord {
  return { kind: "error", error, inStream: false };
}

class Body {
  #chunks: Buffer[] = [];
  length = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  bytes(): Buffer {
    if (this.#chunks.length === 0) return NOTHING;
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }
}
