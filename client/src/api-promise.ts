import type { Answered } from "./transport.ts";

/** An answer that knows which call it was. The id is not enumerable: it is no part of the data. */
export type Result<T> = T extends object ? T & { readonly correlationId?: string } : T;

/** A promise of the data of an answer, that also gives the answer itself. */
export class ApiPromise<T> extends Promise<Result<T>> {
  readonly #answered: Promise<Answered<Result<T>>>;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(answered: Promise<Answered<T>>) {
    // What this promise itself holds is never asked for: `then` is answered by the other.
    super((resolve) => resolve(undefined as never));
    this.#answered = answered.then((answer) => ({ ...answer, data: withCorrelationId(answer) }));
  }

  /** The data with the response's status and headers, and the correlation id. */
  withResponse(): Promise<Answered<Result<T>>> {
    return this.#answered;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A = Result<T>, B = never>(
    onFulfilled?: ((value: Result<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#answered.then(({ data }) => data).then(onFulfilled, onRejected);
  }
}

function withCorrelationId<T>({ data, correlationId }: Answered<T>): Result<T> {
  if (typeof data === "object" && data !== null && !("correlationId" in data)) {
    Object.defineProperty(data, "correlationId", { value: correlationId });
  }
  return data as Result<T>;
}
