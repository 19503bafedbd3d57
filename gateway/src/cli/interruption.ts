/**
 * Ctrl-C and its like, and a reader of the output that goes away (`| head`), for as long as this is held: what was
 * started is ended before the process is.
 */
export type Interruption = Disposable & {
  readonly signal: AbortSignal;
  /** Resolves at the interruption. */
  readonly happened: Promise<void>;
  /** The work's result. Rejects at the interruption, whatever the work still does. */
  orStop<T>(work: Promise<T>): Promise<T>;
};

/** Nobody waits for the rest any more. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("Stopped. Nothing is left behind.");
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Further signals change nothing: the first is being obeyed. */
export function interruption(): Interruption {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const interrupt = (): void => {
    controller.abort(new Interrupted());
    resolve();
  };
  for (const signal of signals) process.on(signal, interrupt);
  process.stdout.on("error", interrupt);
  const stopped = promise.then((): never => {
    throw new Interrupted();
  });
  stopped.catch(() => {});
  return {
    signal: controller.signal,
    happened: promise,
    orStop: (work) => Promise.race([work, stopped]),
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, interrupt);
      process.stdout.off("error", interrupt);
    },
  };
}
