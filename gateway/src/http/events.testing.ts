import { until } from "../lib/until.testing.ts";

/** As clients read it. */
export type Told = {
  readonly id: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** A client of /v1/events, for tests, with what it was told, and how it ended. */
export type Client = Disposable & {
  /** Events only. */
  readonly told: readonly Told[];
  /** Everything, `ready` and errors too. */
  readonly messages: readonly unknown[];
  /** Resolves with `ready`. */
  readonly ready: Promise<Told>;
  /** Close code of a socket; 0 of a stream. */
  readonly ended: Promise<{ readonly code: number; readonly reason: string }>;
  until(count: number): Promise<void>;
};

function gathering() {
  const messages: unknown[] = [];
  const told: Told[] = [];
  const ready = Promise.withResolvers<Told>();
  const ended = Promise.withResolvers<{ code: number; reason: string }>();
  return {
    hear(text: string): void {
      const message = JSON.parse(text) as Told;
      messages.push(message);
      if (message.type === "ready") ready.resolve(message);
      else if (typeof message.id === "string") told.push(message);
    },
    end: ended.resolve,
    client: {
      messages,
      told,
      ready: ready.promise,
      ended: ended.promise,
      until: (count: number) =>
        until(() => told.length >= count, { what: () => `${count} events; there are ${told.length}` }),
    },
  };
}

export type Asking = {
  readonly key?: string;
  /** In the first message, as a page must. */
  readonly token?: string;
  readonly since?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

function urlOf(base: string, { since }: Asking): string {
  return `${base}/v1/events${since === undefined ? "" : `?since=${since}`}`;
}

function headersOf({ key, headers }: Asking): Record<string, string> {
  return { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers };
}

export function socketClient(base: string, asking: Asking): Client & { readonly socket: WebSocket } {
  const { hear, end, client } = gathering();
  const init = { headers: headersOf(asking) } as unknown as string[];
  const socket = new WebSocket(urlOf(base, asking).replace("http", "ws"), init);
  socket.onopen = () => {
    if (asking.token !== undefined) socket.send(JSON.stringify({ type: "auth", token: asking.token }));
  };
  socket.onmessage = ({ data }) => hear(String(data));
  socket.onerror = () => {};
  socket.onclose = ({ code, reason }) => end({ code, reason });
  return { ...client, socket, [Symbol.dispose]: () => socket.close() };
}

/** Rejects unless the answer is a stream. */
export async function streamClient(
  base: string,
  asking: Asking,
): Promise<Client & { readonly response: Response }> {
  const { hear, end, client } = gathering();
  const left = new AbortController();
  const headers = { accept: "text/event-stream", ...headersOf(asking) };
  const response = await fetch(urlOf(base, asking), { headers, signal: left.signal });
  if (!response.ok) throw new Error(await response.text());
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop()!;
      for (const part of parts) {
        const data = part.split("\n").find((line) => line.startsWith("data: "));
        if (data === undefined) continue;
        const { id } = JSON.parse(data.slice(6)) as Told;
        if (id !== null && !part.startsWith(`id: ${id}\n`)) throw new Error(`no id: ${part}`);
        hear(data.slice(6));
      }
    }
  };
  read()
    .catch(() => {})
    .finally(() => end({ code: 0, reason: "" }));
  return { ...client, response, [Symbol.dispose]: () => left.abort() };
}
