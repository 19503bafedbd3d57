import type { Settlement } from "../costs/ledger.ts";
import { TollgateError } from "../lib/errors.ts";
import { fieldsOf, objectsOf } from "../providers/json.ts";
import { eachEvent, endOfLastEvent, eventOf } from "../providers/tap.events.ts";
import { type Asked, callFor, textOf } from "./ask.ts";
import type { Answer } from "./call.ts";
import type { RouteDeps } from "./route.ts";
import { type RunDeps, run } from "./run.ts";

/**
 * The text of the first choice as it comes; then what the ledger says. Throws as `Ask` does, also in the middle of the
 * text. Whoever stops reading leaves the call, as a client that hangs up.
 */
export type AskInPieces = (asked: Asked) => AsyncGenerator<string, Settlement, void>;

/** Characters that wait to be read; then the provider waits. */
const MOST_WAITING = 65_536;

export function askerInPieces(deps: RunDeps & RouteDeps): AskInPieces {
  return async function* (asked) {
    const { signal } = asked;
    signal.throwIfAborted();
    const answer = answerInPieces();
    const settling = run(deps, callFor(deps, asked, true), answer).finally(answer.close);
    const settled = settling.catch(() => {});
    signal.addEventListener("abort", answer.leave, { once: true });
    try {
      for (let piece = await answer.next(); piece !== undefined; piece = await answer.next()) yield piece;
      const settlement = await settling;
      signal.throwIfAborted();
      answer.throwIfFailed();
      return settlement;
    } finally {
      signal.removeEventListener("abort", answer.leave);
      answer.leave();
      await settled;
    }
  };
}

type AnswerInPieces = Answer & {
  /** Undefined: there is no more. */
  next(): Promise<string | undefined>;
  /** Throws what broke the text off. */
  throwIfFailed(): void;
  close(): void;
  leave(): void;
};

function answerInPieces(): AnswerInPieces {
  const gone: (() => void)[] = [];
  let waiting = "";
  let rest: Buffer = Buffer.alloc(0);
  let isWhole = false;
  let isOpen = true;
  let isClosed = false;
  let error: TollgateError | undefined;
  let wake = (): void => {};
  let drain = (): void => {};

  function add(bytes: Buffer): void {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const end = endOfLastEvent(all, 0);
    rest = all.subarray(end);
    for (const event of eachEvent(all.subarray(0, end))) read(eventOf(event).fields);
    wake();
  }

  function read({ choices, error: failure }: Readonly<Record<string, unknown>>): void {
    if (failure != null) {
      const cause = new Error(`the stream says ${JSON.stringify(failure)}`);
      error = new TollgateError("PROVIDER_FAILED", undefined, { cause });
    }
    const [choice] = objectsOf(choices);
    const { content } = fieldsOf(choice?.delta);
    if (typeof content === "string") waiting += content;
  }

  return {
    isOpen: () => isOpen,
    begin(_status, headers) {
      isWhole = headers["content-type"]?.startsWith("application/json") === true;
    },
    write(bytes) {
      add(bytes);
      return waiting.length < MOST_WAITING;
    },
    end(bytes) {
      if (!isWhole) return add(bytes);
      try {
        waiting += textOf(bytes);
      } catch (thrown) {
        error = thrown as TollgateError;
      }
    },
    abandon() {},
    onDrain(listener) {
      drain = listener;
    },
    onGone: (listener) => void gone.push(listener),
    async next() {
      while (waiting === "" && !isClosed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (waiting === "") return undefined;
      const piece = waiting;
      waiting = "";
      drain();
      return piece;
    },
    throwIfFailed() {
      if (error !== undefined) throw error;
    },
    close() {
      isClosed = true;
      wake();
    },
    leave() {
      if (!isOpen) return;
      isOpen = false;
      for (const listener of gone) listener();
    },
  };
}
