import { readFile } from "node:fs/promises";
import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from "jose";
import { type Clock, within } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { openOrigin } from "../lib/fetch.ts";

/**
 * The public keys of an issuer, read again first if they lack `kid`. Throws PROVIDER_UNAVAILABLE while they could
 * never be read; later, those last read stay.
 */
export type IssuerKeys = (kid: string) => Promise<LocalJWKSet>;

const MAX_AGE_MS = 10 * 60_000;
const MAX_BYTES = 256 * 1024;
const RETRY_AFTER_MS = 5_000;

/** Throws a TypeError if `url` is not http(s). Whatever is asked for, it is read once per `cooldownMs` at most. */
export function jwksFromUrl(deps: {
  readonly url: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
  readonly timeoutMs?: number;
  readonly cooldownMs?: number;
}): IssuerKeys {
  const { clock, timeoutMs = 5_000, cooldownMs = 30_000 } = deps;
  const url = new URL(deps.url);
  if (!/^https?:$/.test(url.protocol)) throw new TypeError("a JWKS URL starts with https:// or http://");
  return remembered({ ...deps, cooldownMs, read: () => get(url, clock, timeoutMs) });
}

/** For issuers that cannot be reached. A key that the file gains is found at once, one that it loses within ten minutes. */
export function jwksFromFile(deps: {
  readonly path: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}): IssuerKeys {
  return remembered({ ...deps, cooldownMs: 0, read: () => readFile(deps.path, "utf8") });
}

type Known = {
  readonly keys: LocalJWKSet;
  readonly kids: ReadonlySet<string | undefined>;
  readonly readAt: number;
};

function remembered(deps: {
  readonly read: () => Promise<string>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
  readonly cooldownMs: number;
}): IssuerKeys {
  const { read, clock, onTrouble, cooldownMs } = deps;
  let known: Known | undefined;
  let cause: unknown;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function readAgain(): Promise<void> {
    triedAt = clock.monotonic();
    try {
      const keys = createLocalJWKSet(JSON.parse(await read()) as JSONWebKeySet);
      known = { keys, kids: new Set(keys.jwks().keys.map(({ kid }) => kid)), readAt: clock.monotonic() };
    } catch (error) {
      cause = error;
      onTrouble(error);
    } finally {
      reading = undefined;
    }
  }

  return async (kid) => {
    const now = clock.monotonic();
    const suffices = known?.kids.has(kid) === true && now - known.readAt < MAX_AGE_MS;
    if (!suffices && reading === undefined && now - triedAt >= cooldownMs) reading = readAgain();
    if (!suffices) await reading;
    if (known !== undefined) return known.keys;
    const retryAfterMs = Math.max(RETRY_AFTER_MS, triedAt + cooldownMs - clock.monotonic());
    const message = "The sign-in provider is not available at the moment. Please try again later.";
    throw new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs }, { message, cause });
  };
}

/** The whole answer, if it is a 200 of at most 256 KiB and there in time. */
function get(url: URL, clock: Clock, timeoutMs: number): Promise<string> {
  const origin = openOrigin(url.origin, {
    connectTimeoutMs: timeoutMs,
    headersTimeoutMs: timeoutMs,
    bodyTimeoutMs: timeoutMs,
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let bytesRead = 0;
  origin.send(
    { method: "GET", path: url.pathname + url.search, headers: { accept: "application/json" } },
    {
      head(status) {
        if (status !== 200) throw new Error(`it answered ${status}`);
      },
      chunk(bytes) {
        bytesRead += bytes.length;
        if (bytesRead > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`);
        chunks.push(bytes);
      },
      end: () => resolve(Buffer.concat(chunks).toString()),
      fail: ({ kind, cause }) => reject(new Error(`the JWKS could not be read (${kind})`, { cause })),
    },
  );
  const late = () => new Error(`the JWKS was not there within ${timeoutMs} ms`);
  return within(clock, timeoutMs, promise, late).finally(() => origin.close());
}
