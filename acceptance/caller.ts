/** A chat request as any HTTP client would send it. */
export type ChatFields = Readonly<Record<string, unknown>>;

/** One server and one credential to call it with. */
export type Caller = {
  chat(fields?: ChatFields, headers?: Readonly<Record<string, string>>): Promise<Response>;
  get(path: string): Promise<Response>;
  /** The caller's own costs of today. */
  costs(): Promise<DailyTotals>;
};

export type DailyTotals = {
  readonly calls: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly estimated_cost_usd: string;
  readonly estimated_share: number;
};

export function caller(url: string, credential: string): Caller {
  const authorization = `Bearer ${credential}`;
  const get = (path: string) => fetch(url + path, { headers: { authorization } });
  return {
    get,
    chat: (fields = {}, headers = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify({
          model: "sim-echo",
          messages: [{ role: "user", content: "Hello" }],
          ...fields,
        }),
      }),
    async costs() {
      const answer = await get("/health/costs/daily");
      const { totals } = (await answer.json()) as { totals: DailyTotals };
      return totals;
    },
  };
}

/** Reads a server-sent stream to its end: the data of its events. */
export async function eventsOf(answer: Response): Promise<readonly string[]> {
  const text = await answer.text();
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice(6));
}

/** `error.code` of the one envelope; undefined for an answer that has none. */
export async function codeOf(answer: Response): Promise<string | undefined> {
  const body = (await answer.json().catch(() => undefined)) as { error?: { code?: string } } | undefined;
  return body?.error?.code;
}
