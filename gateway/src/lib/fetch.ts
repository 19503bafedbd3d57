import type { LookupFunction } from "node:net";
import { type Dispatcher, errors, Pool } from "undici";

/**
 * The one door to the network. An origin keeps HTTP/1.1 connections to one server; an exchange is one request and
 * its answer as bytes. Nothing is followed, decoded, repeated or buffered here.
 */
export type Origin = {
  send(request: OutgoingRequest, events: ExchangeEvents): Exchange;
  /** Breaks what is in flight (`fail`, cut) and closes every connection. */
  close(): Promise<void>;
};

/** The timeouts may strike up to a second late. */
export type OriginOptions = {
  /** Time to connect, TLS included. */
  readonly connectTimeoutMs: number;
  /** Time from the request to the head of its answer. */
  readonly headersTimeoutMs: number;
  /** Longest silence inside an answer. Does not run while paused. */
  readonly bodyTimeoutMs: number;
  /** Connections at a time; undefined: no limit. Requests beyond it wait without a time limit: admit them first. */
  readonly connections?: number | undefined;
  /** Finds the addresses of names, in place of the system. Never asked for a host that is an address already. */
  readonly lookup?: LookupFunction;
};

export type OutgoingRequest = {
  readonly method: "GET" | "POST";
  /** Added to the path of the base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
};

/**
 * `head` at most once and first, then `chunk`s, then exactly one of `end` and `fail`. Nothing after `abort()`, and
 * nothing from inside a call to the exchange. What a listener throws comes back to it as the cause of a `fail`.
 * An answer without a length ends with its connection: whether it was whole, its content has to say.
 */
export type ExchangeEvents = {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  chunk(bytes: Buffer): void;
  end(): void;
  fail(failure: ExchangeFailure): void;
};

/** connect: nothing was sent. timeout: no head, or silence for too long. cut: the connection broke after it was used. */
export type ExchangeFailure = { readonly kind: "connect" | "timeout" | "cut"; readonly cause: unknown };

export type Exchange = {
  /** False while it still waits for a connection: an abort then means that the server never hears of it. */
  readonly wasSent: boolean;
  /** Stops the flow of chunks soon; `resume` starts it again. */
  pause(): void;
  resume(): void;
  /** Ends the exchange and frees its connection. No event follows. */
  abort(): void;
};

/** Throws a TypeError if `baseUrl` is not http(s) or carries credentials, a query or a fragment. */
export function openOrigin(baseUrl: string, options: OriginOptions): Origin {
  const { origin, basePath } = checkedBase(baseUrl);
  const pool = new Pool(origin, {
    allowH2: false,
    pipelining: 1,
    connections: options.connections ?? null,
    connectTimeout: options.connectTimeoutMs,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs,
    ...(options.lookup === undefined ? {} : { connect: { lookup: options.lookup } }),
  });
  return {
    send({ method, path, headers, body }, events) {
      const transfer = new Transfer(events);
      pool.dispatch(
        {
          method,
          path: basePath + path,
          headers: { ...headers, "accept-encoding": "identity" },
          body: body ?? null,
        },
        transfer,
      );
      return transfer;
    },
    close: () => pool.destroy(),
  };
}

function checkedBase(baseUrl: string): { origin: string; basePath: string } {
  const url = new URL(baseUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError(`a base URL starts with https:// or http://, not ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("a base URL has no credentials, query or fragment");
  }
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, "") };
}

const ABANDONED = new Error("the exchange was aborted");

class Transfer implements Exchange, Dispatcher.DispatchHandler {
  /** Undefined once the exchange is over. */
  #events: ExchangeEvents | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;

  constructor(events: ExchangeEvents) {
    this.#events = events;
  }

  get wasSent(): boolean {
    return this.#controller !== undefined;
  }

  pause(): void {
    this.#paused = true;
    if (this.#events !== undefined) this.#controller?.pause();
  }

  /** Waits for a microtask: undici's parser may not be entered from inside another exchange's event. */
  resume(): void {
    this.#paused = false;
    queueMicrotask(() => {
      if (!this.#paused && this.#events !== undefined) this.#controller?.resume();
    });
  }

  abort(): void {
    this.#events = undefined;
    this.#controller?.abort(ABANDONED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#events === undefined) controller.abort(ABANDONED);
    else if (this.#paused) controller.pause();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      throw new Error(`the answer is encoded as ${encoding} although identity was asked for`);
    }
    this.#events?.head(status, singleValued(headers));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#events?.chunk(chunk);
  }

  onResponseEnd(): void {
    this.#events?.end();
    this.#events = undefined;
  }

  /** A request that cannot even be queued fails before `send` has returned, hence the microtask. */
  onResponseError(_controller: Dispatcher.DispatchController | null, cause: Error): void {
    const failure: ExchangeFailure = { kind: this.#kindOf(cause), cause };
    queueMicrotask(() => {
      this.#events?.fail(failure);
      this.#events = undefined;
    });
  }

  #kindOf(cause: Error): ExchangeFailure["kind"] {
    if (this.#controller === undefined) return "connect";
    const timedOut = cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError;
    return timedOut ? "timeout" : "cut";
  }
}

function singleValued(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return single;
}
