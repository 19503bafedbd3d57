import type { Exchange, ExchangeFailure, Origin, OutgoingRequest } from "../lib/fetch.ts";

export type Reply = {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/** The whole answer. Rejects if there is none. */
export function askWhole(origin: Origin, request: OutgoingRequest): Promise<Reply> {
  return asking(origin, request).answered;
}

/** Asks and goes away: what had come until `left` resolved. */
export async function askAndLeave(
  origin: Origin,
  request: OutgoingRequest,
  left: Promise<void>,
): Promise<Reply> {
  const { exchange, answered, soFar } = asking(origin, request);
  await Promise.race([left, answered]);
  exchange.abort();
  return soFar();
}

/** Milliseconds until the first byte of an answer's body, which is then read to its end. */
export function firstByte(
  origin: Origin,
  request: OutgoingRequest,
  monotonic: () => number,
): Promise<{ readonly reply: Reply; readonly firstByteMs: number }> {
  const startedAt = monotonic();
  let firstByteMs = 0;
  const seen = () => {
    firstByteMs ||= monotonic() - startedAt;
  };
  return asking(origin, request, seen).answered.then((reply) => ({ reply, firstByteMs }));
}

function asking(
  origin: Origin,
  request: OutgoingRequest,
  onChunk: () => void = () => {},
): { exchange: Exchange; answered: Promise<Reply>; soFar: () => Reply } {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  let head: Pick<Reply, "status" | "headers"> = { status: 0, headers: {} };
  const chunks: Buffer[] = [];
  const soFar = (): Reply => ({ ...head, text: Buffer.concat(chunks).toString() });
  const exchange = origin.send(request, {
    head(status, headers) {
      head = { status, headers };
    },
    chunk(bytes) {
      onChunk();
      chunks.push(bytes);
    },
    end: () => resolve(soFar()),
    fail: ({ kind, cause }: ExchangeFailure) =>
      reject(new Error(`${request.path} is not answered (${kind})`, { cause })),
  });
  return { exchange, answered: promise, soFar };
}
