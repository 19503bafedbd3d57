import type { Credentials } from "./credentials.ts";
import { jsonOf } from "./errors.evidence.ts";
import { parseTollgateError } from "./errors.parse.ts";
import { networkError, type TollgateError } from "./errors.ts";
import type { Connect, LiveEvent } from "./events.ts";
import { mailbox } from "./mailbox.ts";
import { readStream, type StreamFormat } from "./stream.ts";
import { send, type Transport } from "./transport.ts";

/** The server says something every 25 s. */
const SILENCE_MS = 60_000;
const patience = { timeoutMs: SILENCE_MS, deadlineMs: Number.POSITIVE_INFINITY, maxRetries: 0 };
/** It has no end, and all its events are ours. */
const format: StreamFormat = { isEnd: () => false, names: /^/ };
/** A refusal is 4000 and the HTTP status that it would have had; but this one is for whoever reads too slowly. */
const REFUSED = 4000;
const SLOW = 4408;

/** As server-sent events, over `fetch`. */
export function streamEvents(transport: Transport, credentials: Credentials): Connect {
  return async function* connect(since, signal) {
    const outgoing = { method: "GET", path: pathOf(since), accept: "text/event-stream", credentials };
    const read = readStream<LiveEvent>(format, signal);
    yield* (await send(transport, outgoing, read, { signal, ...patience })).data;
  };
}

/** Over a WebSocket: six streams over HTTP/1.1 would block a browser. Its credential is its first message. */
export function socketEvents(
  { baseUrl }: Pick<Transport, "baseUrl">,
  credentials: Credentials,
  Socket: typeof WebSocket,
): Connect {
  return async function* connect(since, signal) {
    const { token } = await credentials.current();
    try {
      yield* eventsOf(new Socket(baseUrl.replace(/^http/, "ws") + pathOf(since)), token, signal);
    } catch (error) {
      const isRenewed = (error as TollgateError).type === "AUTH_INVALID" && (await credentials.renew(token));
      throw isRenewed ? networkError("NETWORK_UNREACHABLE", "The session has new tokens.", error) : error;
    }
  };
}

async function* eventsOf(
  socket: WebSocket,
  token: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent> {
  const arrived = mailbox<LiveEvent>();
  let refusal: TollgateError | undefined;
  const leave = (): void => {
    arrived.close();
    socket.close();
  };
  signal.addEventListener("abort", leave, { once: true });
  socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "auth", token })));
  socket.addEventListener("message", ({ data }) => {
    const json = jsonOf(String(data)) as (LiveEvent & { readonly error?: unknown }) | undefined;
    if (json?.error !== undefined) refusal = parseTollgateError(json);
    else if (json !== undefined) arrived.put(json);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    const isRefusal = code > REFUSED && code !== SLOW;
    const told = { status: code - REFUSED, hasCredential: token !== undefined };
    const lost = networkError("NETWORK_UNREACHABLE", `The connection was lost (${code} ${reason}).`);
    arrived.close(isRefusal ? (refusal ?? parseTollgateError({ code: reason }, told)) : lost);
  });
  socket.addEventListener("error", () => {
    arrived.close(networkError("NETWORK_UNREACHABLE", "The service could not be reached, or broke off."));
  });
  try {
    yield* arrived;
  } finally {
    signal.removeEventListener("abort", leave);
    socket.close();
  }
}

function pathOf(since: string | undefined): string {
  return since === undefined ? "/v1/events" : `/v1/events?since=${encodeURIComponent(since)}`;
}
