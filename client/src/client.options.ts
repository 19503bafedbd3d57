import { type Clock, systemClock } from "./clock.ts";
import type { CredentialOptions } from "./credentials.ts";
import { type Patience, patienceOf } from "./patience.ts";
import type { Logger, Transport } from "./transport.ts";

export type ClientOptions = CredentialOptions &
  Patience & {
    /**
     * Where the gateway is: `https://gateway.example.com`, with the path under which a proxy has put it, if any. In a page
     * `/` means the page's own origin. A TypeError is thrown for anything else.
     */
    readonly baseUrl: string;
    readonly defaultHeaders?: Readonly<Record<string, string>>;
    readonly fetch?: typeof fetch;
    /** For live events; default the global one, where there is one. Null: server-sent events instead. */
    readonly WebSocket?: typeof WebSocket | null;
    /** Told of requests and failures, never of credentials or bodies: `console`. */
    readonly logger?: Logger;
    /** Time and chance, for tests. */
    readonly clock?: Clock;
    readonly random?: () => number;
  };

export function transportOf(options: ClientOptions): Transport {
  const { clock = systemClock, random = Math.random, logger, defaultHeaders = {} } = options;
  return {
    baseUrl: addressIn(options.baseUrl),
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    clock,
    random,
    logger,
    patience: patienceOf(options),
    defaultHeaders,
  };
}

/** Without a slash at its end. No message repeats what is refused: it may hold a secret. */
function addressIn(baseUrl: string): string {
  const url = urlIn(String(baseUrl));
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new TypeError("baseUrl is no address that begins with http:// or https://.");
  if (url.username !== "" || url.password !== "")
    throw new TypeError("baseUrl holds a user name or a password. Give an apiKey or an accessToken instead.");
  if (url.search !== "" || url.hash !== "")
    throw new TypeError("baseUrl has a query or a fragment. Leave out what begins with ? or #.");
  const path = url.pathname.replace(/\/+$/, "");
  if (path.endsWith("/v1")) throw new TypeError("baseUrl ends with /v1, which this client adds itself.");
  return url.origin + path;
}

/** Where the page is, in a browser. */
const { location } = globalThis as { readonly location?: { readonly origin: string } };

function urlIn(text: string): URL | undefined {
  try {
    return new URL(text, text.startsWith("/") ? location?.origin : undefined);
  } catch {
    return undefined;
  }
}
