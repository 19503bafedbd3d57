import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import type { Exchange, ExchangeEvents, ExchangeFailure } from "./fetch.ts";

/** A server that speaks no protocol of its own: `converse` writes whatever bytes it likes. */
export async function rawServer(converse: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    converse(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What came of an exchange, in the order it came. */
export type Heard = {
  status: number | undefined;
  headers: Readonly<Record<string, string>>;
  readonly chunks: Buffer[];
  outcome: "end" | ExchangeFailure["kind"] | undefined;
  cause: unknown;
};

/** Sends and listens until the exchange is over. `onChunk` may pause, resume or abort it. */
export function hear(
  send: (events: ExchangeEvents) => Exchange,
  onChunk: (exchange: Exchange, heard: Heard) => void = () => {},
): { readonly exchange: Exchange; readonly heard: Heard; readonly over: Promise<Heard> } {
  const heard: Heard = { status: undefined, headers: {}, chunks: [], outcome: undefined, cause: undefined };
  const { promise: over, resolve, reject } = Promise.withResolvers<Heard>();
  const close = (outcome: Heard["outcome"], cause?: unknown): void => {
    if (heard.outcome !== undefined) reject(new Error(`${outcome} after ${heard.outcome}`));
    heard.outcome = outcome;
    heard.cause = cause;
    resolve(heard);
  };
  const exchange = send({
    head(status, headers) {
      if (heard.status !== undefined || heard.chunks.length > 0)
        reject(new Error("a head that is not first"));
      heard.status = status;
      heard.headers = headers;
    },
    chunk(bytes) {
      if (heard.status === undefined || heard.outcome !== undefined)
        reject(new Error("a chunk out of place"));
      heard.chunks.push(bytes);
      onChunk(exchange, heard);
    },
    end: () => close("end"),
    fail: ({ kind, cause }) => close(kind, cause),
  });
  return { exchange, heard, over };
}

export function textOf({ chunks }: Heard): string {
  return Buffer.concat(chunks).toString();
}
