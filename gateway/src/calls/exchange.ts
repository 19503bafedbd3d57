import type { Usage } from "../costs/usage.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Exchange, ExchangeFailure } from "../lib/fetch.ts";
import type { Provider, UpstreamRequest } from "../providers/provider.ts";
import { type StreamTap, streamTap } from "../providers/tap.ts";
import { wholeAnswer } from "../providers/whole.ts";
import type { Answer } from "./call.ts";
import { errorOfAnswer, errorOfFailure } from "./upstream-error.ts";

/**
 * How an exchange with a provider ended, and what the client still has to be told. `spent` says what is known about
 * the bill: nothing was spent; what was seen counts; or nobody knows, and the reservation stands.
 */
export type Observed = {
  readonly outcome: "completed" | "cut" | "aborted" | "failed";
  readonly spent: "nothing" | "seen" | "unknown";
  readonly usage: Usage | undefined;
  /** UTF-8 bytes of answer text seen: what an estimate is made of. */
  readonly textBytes: number;
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
  readonly streams: boolean;
  readonly hideUsage: boolean;
  readonly streamHeaders: () => Readonly<Record<string, string>>;
};

/** A reader that takes nothing for this long has left, whatever its connection says. */
const LONGEST_STALL_MS = 60_000;
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const END_MARKER = Buffer.from("data: [DONE]\n\n");

/**
 * Asks the provider and passes a stream on as it comes, holding back its end marker. Never rejects: whatever happens
 * becomes an Observed. A client that leaves, or `stop`, aborts the exchange and frees its connection.
 */
export function exchange(
  deps: { clock: Clock; onFirstByte: (elapsedMs: number) => void; onStop: (stop: () => void) => () => void },
  provider: Provider,
  question: Question,
  answer: Answer,
): Promise<Observed> {
  const askedAt = deps.clock.monotonic();
  const { promise, resolve } = Promise.withResolvers<Observed>();
  let status = 0;
  let headers: Readonly<Record<string, string>> = {};
  let tap: StreamTap | undefined;
  let isOver = false;
  let callOffStall = () => {};
  const body = new Body();

  function finish(observed: Observed): void {
    if (isOver) return;
    isOver = true;
    forgetStop();
    callOffStall();
    resolve(observed);
  }

  function leave(last: LastWord): void {
    if (isOver) return;
    running.abort();
    const seen = tap?.finish();
    finish({
      outcome: "aborted",
      spent: spentWhenLeft(),
      usage: seen?.usage,
      textBytes: seen?.textBytes ?? 0,
      last,
    });
  }

  function spentWhenLeft(): Observed["spent"] {
    if (!running.wasSent || status >= 300) return "nothing";
    return question.streams ? "seen" : "unknown";
  }

  function pass(bytes: Buffer | undefined): void {
    if (bytes === undefined || answer.write(bytes)) return;
    running.pause();
    callOffStall();
    callOffStall = deps.clock.after(LONGEST_STALL_MS, () => leave({ kind: "none" }));
  }

  function endOfStream(stream: StreamTap, failure: ExchangeFailure | undefined): Observed {
    const seen = stream.finish();
    const { usage, textBytes } = seen;
    if (seen.rest.length > 0) answer.write(seen.rest);
    const isWhole = seen.complete || (failure === undefined && seen.finished);
    if (isWhole && seen.error === undefined) {
      const bytes = seen.complete ? seen.tail : END_MARKER;
      return { outcome: "completed", spent: "seen", usage, textBytes, last: { kind: "end", bytes } };
    }
    const last: LastWord =
      seen.error === undefined
        ? {
            kind: "error",
            error: errorOfFailure(failure ?? { kind: "cut", cause: undefined }),
            inStream: true,
          }
        : { kind: "end", bytes: seen.tail };
    return { outcome: "cut", spent: "seen", usage, textBytes, last };
  }

  function endOfWhole(): Observed {
    const bytes = body.bytes();
    if (status >= 300) {
      const error = errorOfAnswer(status, headers, bytes);
      return { outcome: "failed", spent: "nothing", usage: undefined, textBytes: 0, last: asError(error) };
    }
    const read = wholeAnswer(bytes);
    if (read !== undefined && read.error === undefined && read.isChatCompletion) {
      const { usage, textBytes } = read;
      return { outcome: "completed", spent: "seen", usage, textBytes, last: { kind: "whole", body: bytes } };
    }
    const cause = read?.error ?? new Error(`status ${status} with a body that is no chat completion`);
    const error = new TollgateError("PROVIDER_FAILED", undefined, { cause });
    const spent = read?.error === undefined ? "seen" : "nothing";
    return { outcome: "failed", spent, usage: read?.usage, textBytes: bytes.length, last: asError(error) };
  }

  const running: Exchange = provider.send(question, {
    head(answerStatus, answerHeaders) {
      status = answerStatus;
      headers = answerHeaders;
      deps.onFirstByte(deps.clock.monotonic() - askedAt);
      if (status < 300 && answerHeaders["content-type"]?.startsWith("text/event-stream") === true) {
        tap = streamTap({ hideUsage: question.hideUsage });
        answer.begin(200, question.streamHeaders());
      }
    },
    chunk(bytes) {
      if (tap !== undefined) pass(tap.push(bytes));
      else if (status < 300 && body.length + bytes.length > MAX_WHOLE_BYTES) {
        running.abort();
        const error = new TollgateError("PROVIDER_FAILED", undefined, {
          cause: new Error("the answer is too long"),
        });
        finish({ outcome: "failed", spent: "unknown", usage: undefined, textBytes: 0, last: asError(error) });
      } else if (status < 300 || body.length < MAX_ERROR_BYTES) body.add(bytes);
    },
    end() {
      finish(tap === undefined ? endOfWhole() : endOfStream(tap, undefined));
    },
    fail(failure) {
      if (tap !== undefined) return finish(endOfStream(tap, failure));
      const spent = failure.kind === "connect" || status >= 300 ? "nothing" : "unknown";
      const last = asError(errorOfFailure(failure));
      finish({ outcome: "failed", spent, usage: undefined, textBytes: 0, last });
    },
  });

  answer.onGone(() => leave({ kind: "none" }));
  answer.onDrain(() => {
    callOffStall();
    running.resume();
  });
  const forgetStop = deps.onStop(() =>
    leave({
      kind: "error",
      error: new TollgateError("OVERLOADED", { retryAfterMs: 1000 }),
      inStream: tap !== undefined,
    }),
  );
  return promise;
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
