import { connect } from "node:net";

/** What came back over a socket of its own. */
export type RawAnswer = {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long it took, milliseconds. */
  readonly elapsedMs: number;
};

export type Sending = {
  /** Says the end of the request by closing this half of the connection. */
  readonly finish?: boolean;
  readonly limitMs?: number;
};

/** Sends bytes as they are and reads one answer, or the end of the connection. Rejects after `limitMs`. */
export function sendRaw(
  url: string,
  bytes: string | Buffer,
  { finish = false, limitMs = 5_000 }: Sending = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  let received = "";
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const timer = setTimeout(() => {
    socket.destroy();
    reject(new Error(`no answer within ${limitMs} ms`));
  }, limitMs);
  const settle = (isOver: boolean): void => {
    const answer = parsed(received, isOver);
    if (answer === undefined) return;
    clearTimeout(timer);
    socket.destroy();
    resolve({ ...answer, elapsedMs: performance.now() - startedAt });
  };
  socket.on("connect", () => {
    if (finish) socket.end(bytes);
    else socket.write(bytes);
  });
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    settle(false);
  });
  socket.on("end", () => settle(true));
  socket.on("error", () => settle(true));
  return promise;
}

/** Undefined while the answer is not whole. An informational head is passed over. */
function parsed(received: string, isOver: boolean): Omit<RawAnswer, "elapsedMs"> | undefined {
  const nothing = { status: 0, headers: {}, body: "" };
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return isOver ? nothing : undefined;
  const [statusLine = "", ...lines] = received.slice(0, headEnd).split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  if (status >= 100 && status < 200) return parsed(received.slice(headEnd + 4), isOver);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = received.slice(headEnd + 4);
  const isWhole = body.length >= Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
  return isWhole || isOver ? { status, headers, body } : undefined;
}
