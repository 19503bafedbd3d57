import type { Variables } from "./server.ts";

/** What a request carries beside its path. `from`: the client's address, for a server that trusts its proxy. */
export type Asking = {
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly headers?: Variables;
  readonly from?: string;
};

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `error.code` of the one envelope. */
  readonly code: string | undefined;
};

/** @param line Method and path: `POST /auth/login`. */
export async function ask(url: string, line: string, asking: Asking = {}): Promise<Reply> {
  const { token, json, headers = {}, from } = asking;
  const [method = "GET", path = "/"] = line.split(" ");
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(from === undefined ? {} : { "x-forwarded-for": from }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, code: codeIn(text) };
}

/** The JSON of an answer that must be a success. */
export async function told<T>(url: string, line: string, asking: Asking = {}): Promise<T> {
  const { status, text } = await ask(url, line, asking);
  if (status >= 300) throw new Error(`${line}: ${status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** How often each status came: `{ "201": 1, "409": 29 }`. */
export function tally(replies: readonly Pick<Reply, "status">[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The wanted number of answers, all asked for at once. */
export function atOnce<T>(count: number, work: (index: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

/** `error.code` of the one envelope, if the text is one. */
export function codeIn(text: string): string | undefined {
  if (!text.startsWith('{"error"')) return undefined;
  return (JSON.parse(text) as { error: { code: string } }).error.code;
}
