import { TollgateError } from "../lib/errors.ts";

const MAX_TOKEN_BYTES = 4096;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
/** One blank only: a second way to match blanks would take quadratic time on a header full of them. */
const OTHER_SCHEME = /^(?!bearer )[\w-]+ [\x20-\x7e]+$/i;
const credentialHeaders = ["authorization", "x-api-key", "api-key"] as const;
type CredentialHeader = (typeof credentialHeaders)[number];

export type Presented = {
  /** What says who is calling. */
  readonly token: string | undefined;
  /** The API key of an app, beside the token of the user who signed in to it. */
  readonly appKey?: string;
};

/**
 * The secrets a caller sent. Read in this order: `Authorization: Bearer <token>`, `Authorization: sk-…`, `x-api-key`,
 * `api-key`; never from the URL.
 * Throws BAD_CREDENTIALS_HEADER for a repeated or unprintable header, AUTH_AMBIGUOUS for two different API keys,
 * AUTH_INVALID for an Authorization header of another scheme.
 * @param rawHeaders names and values in turn, as node:http gives them: repeated headers are still apart there.
 */
export function presentedTokens(rawHeaders: readonly string[]): Presented {
  const values = credentialValues(rawHeaders);
  const tokens: string[] = [];
  if (values.authorization !== undefined) tokens.push(bearerToken(values.authorization));
  for (const name of ["x-api-key", "api-key"] as const) {
    if (values[name] !== undefined) tokens.push(withoutScheme(values[name]));
  }
  const [token] = tokens;
  if (tokens.length < 2) return { token };
  const keys = new Set(tokens.filter(claimsToBeKey));
  if (keys.size > 1) throw new TollgateError("AUTH_AMBIGUOUS");
  const [appKey] = keys;
  const isBeside = appKey !== undefined && values.authorization !== undefined && appKey !== token;
  return isBeside ? { token, appKey } : { token };
}

/**
 * The same where an app's key has to come beside its user: `Authorization` says who signed in, `x-api-key` or `api-key`
 * which app it is, of whatever kind its key. Throws the same.
 */
export function presentedByApp(rawHeaders: readonly string[]): Presented {
  const { authorization, "x-api-key": usual, "api-key": other } = credentialValues(rawHeaders);
  const token = authorization === undefined ? undefined : bearerToken(authorization);
  const appKeys = [usual, other].flatMap((value) => (value === undefined ? [] : [withoutScheme(value)]));
  const tokens = token === undefined ? appKeys : [token, ...appKeys];
  if (new Set(tokens.filter(claimsToBeKey)).size > 1) throw new TollgateError("AUTH_AMBIGUOUS");
  const [appKey] = appKeys;
  return appKey === undefined ? { token } : { token, appKey };
}

function credentialValues(rawHeaders: readonly string[]): Partial<Record<CredentialHeader, string>> {
  const values: Partial<Record<CredentialHeader, string>> = {};
  const met = new Set<CredentialHeader>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!isCredentialHeader(name)) continue;
    const value = rawHeaders[index + 1]!.trim();
    if (met.has(name)) throw new TollgateError("BAD_CREDENTIALS_HEADER");
    met.add(name);
    if (value === "") continue;
    const token = withoutScheme(value);
    if (token.length > MAX_TOKEN_BYTES || !VISIBLE_ASCII.test(token)) {
      const isOtherScheme = name === "authorization" && OTHER_SCHEME.test(value);
      throw new TollgateError(isOtherScheme ? "AUTH_INVALID" : "BAD_CREDENTIALS_HEADER");
    }
    values[name] = value;
  }
  return values;
}

function isCredentialHeader(name: string): name is CredentialHeader {
  return (credentialHeaders as readonly string[]).includes(name);
}

function bearerToken(value: string): string {
  const token = withoutScheme(value);
  if (token !== value || token.startsWith("sk-")) return token;
  throw new TollgateError("AUTH_INVALID");
}

function withoutScheme(value: string): string {
  return value.replace(/^bearer +/i, "");
}

/** One that is damaged claims it too, and is refused for it instead of being passed over. */
function claimsToBeKey(token: string): boolean {
  return token.startsWith("sk-tg1_");
}
