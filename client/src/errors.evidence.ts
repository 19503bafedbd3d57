import { type ErrorType, TollgateError } from "./errors.ts";

type Fields = Readonly<Record<string, unknown>>;
export type HeadersLike = { get(name: string): string | null } | Fields;

/** What could be found out about something that went wrong. */
export type Evidence = {
  /** It has been read before. */
  readonly known?: TollgateError;
  readonly status?: number | undefined;
  readonly headers?: HeadersLike | undefined;
  /** The object that has `code` and `message`. */
  readonly said?: Fields | undefined;
  /** It went wrong before there was an answer. */
  readonly network?: Extract<ErrorType, "NETWORK_TIMEOUT" | "NETWORK_UNREACHABLE" | "ABORTED">;
};

const DEEPEST = 6;

/**
 * Looks into a body (text or parsed, of any of the gateway's forms), and into what the clients of OpenAI and Anthropic,
 * the AI SDK and `fetch` throw.
 */
export function evidenceIn(thrown: unknown, depth = 0): Evidence {
  if (thrown instanceof TollgateError) return { known: thrown };
  if (typeof thrown === "string") return { said: saidIn(jsonOf(thrown)) };
  if (!isObject(thrown) || depth > DEEPEST) return {};
  const { status, statusCode, headers, responseHeaders, responseBody, error, lastError, cause } = thrown;
  const answered = numberOf(status) ?? numberOf(statusCode);
  const said = typeof responseBody === "string" ? saidIn(jsonOf(responseBody)) : saidIn(error);
  const network = thrown instanceof Error && answered === undefined ? networkIn(thrown) : undefined;
  if (said !== undefined || (answered !== undefined && thrown instanceof Error)) {
    const sent = [headers, responseHeaders].find(isObject);
    return { status: answered, headers: sent, said: said ?? saidIn(thrown) };
  }
  if (network === "ABORTED" || network === "NETWORK_TIMEOUT") return { network };
  for (const inner of [lastError, cause]) {
    const found = evidenceIn(inner, depth + 1);
    if (Object.keys(found).length > 0) return found;
  }
  if (network !== undefined) return { network };
  return thrown instanceof Error ? {} : { said: saidIn(thrown), status: answered };
}

/** The innermost `error`, or what is one itself. */
function saidIn(body: unknown, depth = 0): Fields | undefined {
  if (!isObject(body) || depth > DEEPEST) return undefined;
  if (isObject(body.error)) return saidIn(body.error, depth + 1) ?? body.error;
  return typeof body.code === "string" || typeof body.message === "string" ? body : undefined;
}

/** Minified, a class has lost its name; its message stays. */
function networkIn(error: Error): Evidence["network"] {
  const says = `${error.name} ${error.constructor.name} ${error.message}`;
  if (/AbortError|UserAbort|request was aborted/i.test(says)) return "ABORTED";
  if (/TimeoutError|timed out|time-?out/i.test(says)) return "NETWORK_TIMEOUT";
  const isFetch = /fetch failed|failed to fetch|load failed|networkerror|cannot connect to api/i.test(says);
  return isFetch || /ConnectionError|connection error/i.test(says) ? "NETWORK_UNREACHABLE" : undefined;
}

export function headerIn(headers: HeadersLike | undefined, name: string): string | undefined {
  if (headers === undefined) return undefined;
  if (typeof headers.get === "function") return (headers.get(name) as string | null) ?? undefined;
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === "string" ? value : undefined;
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
