import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Clock } from "../lib/clock.ts";
import { isOutageCode, StoreUnavailable } from "./outages.ts";
import type { FaultFields, Message, Question, Rows, WorkerData } from "./pglite.worker.ts";

/** One life of the database thread. When it has ended, every question to it fails and another must be opened. */
export type Session = {
  isOpen(): boolean;
  /** Resolves when the thread has stopped: not before may another open the folder. */
  readonly gone: Promise<void>;
  /** One question at a time. An answer that takes longer than `limitMs` ends the session. */
  query(sql: string, parameters: readonly unknown[], limitMs: number): Promise<Rows>;
  /** Ends it without a word. What was committed is safe; the next session recovers from the log. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

export type SessionOptions = WorkerData & {
  readonly clock: Clock;
  readonly onNotification: (channel: string, payload: string) => void;
};

/** A statement failed. `code` is the SQLSTATE. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = "EmbeddedDatabaseError";
  declare readonly code?: string;

  constructor(message: string, fields: FaultFields) {
    super(message);
    Object.assign(this, fields);
  }
}

const OPEN_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 10_000;

/** Rejects if the thread cannot open the folder. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { clock, folder, durable } = options;
  const workerData: WorkerData = { folder, durable };
  // The arguments of this process may not suit a thread.
  const worker = new Worker(entry, { workerData, execArgv: [] });
  const opened = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  let asked: PromiseWithResolvers<Rows> | undefined;
  let ended: StoreUnavailable | undefined;

  const end = (reason: string, cause?: unknown): void => {
    if (ended !== undefined) return;
    ended = new StoreUnavailable(`The embedded database ended: ${reason}`, { cause });
    opened.reject(cause ?? ended);
    asked?.reject(ended);
  };
  const kill = async (reason: string): Promise<void> => {
    end(reason);
    await worker.terminate();
  };

  worker.on("error", (error) => end("its thread failed", error));
  // JSON nested so deep that this thread cannot read what the other has written.
  worker.on("messageerror", (error) => asked?.reject(errorOf(error.message, {})));
  worker.on("exit", () => {
    end("its thread stopped");
    exited.resolve();
  });
  worker.on("message", (message: Message) => {
    if (message.kind === "ready") opened.resolve();
    else if (message.kind === "notification") options.onNotification(message.channel, message.payload);
    else if (message.kind === "broken") void kill(message.reason);
    else if (message.kind === "rows") asked?.resolve(message);
    else asked?.reject(errorOf(message.message, message.fields));
  });

  const stopWaiting = clock.after(OPEN_LIMIT_MS, () => kill("it did not open"));
  try {
    await opened.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    stopWaiting();
  }

  return {
    isOpen: () => ended === undefined,
    gone: exited.promise,
    async query(sql, parameters, limitMs) {
      if (ended !== undefined) throw ended;
      worker.postMessage({ kind: "query", sql, parameters } satisfies Question);
      asked = Promise.withResolvers<Rows>();
      const stopWaiting = clock.after(limitMs, () => kill(`a statement took longer than ${limitMs} ms`));
      return await asked.promise.finally(stopWaiting);
    },
    kill: () => kill("it was stopped"),
    async close() {
      worker.postMessage({ kind: "close" } satisfies Question);
      const stopWaiting = clock.after(CLOSE_LIMIT_MS, () => kill("it did not close"));
      await exited.promise.finally(stopWaiting);
    },
  };
}

function errorOf(message: string, fields: FaultFields): Error {
  const error = new EmbeddedDatabaseError(message, fields);
  if (!isOutageCode(fields.code)) return error;
  return new StoreUnavailable("The embedded database cannot work now", { cause: error });
}

/** The thread's own entry beside this file, in TypeScript or built. */
const entry = new URL(`./pglite.worker${extname(import.meta.url)}`, import.meta.url);
