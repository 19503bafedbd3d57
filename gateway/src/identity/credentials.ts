import { TollgateError } from "../lib/errors.ts";
import { parseKey } from "./key.ts";

const MAX_TOKEN_BYTES = 4096;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const credentialHeaders = ["authorization", "x-api-key", "api-key"] as const;
type CredentialHeader = (typeof credentialHeaders)[number];

/**
 * The secret a caller sent, or `undefined` if none came. Read in this order: `Authorization: Bearer <token>`,
 * `Authorization: sk-…`, `x-api-key`, `api-key`; never from the URL.
 * Throws BAD_CREDENTIALS_HEADER for a repeated or unprintable header, AUTH_AMBIGUOUS for two different API keys,
 * AUTH_INVALID for an Authorization header of another scheme.
 * @param rawHeaders names and values in turn, as node:http gives them: repeated headers are still apart there.
 */
export function presentedToken(rawHeaders: readonly string[]): string | undefined {
  const values = credentialValues(rawHeaders);
  const authorization = values.authorization === undefined ? undefined : bearerToken(values.authorization);
  const other = values["x-api-key"] ?? values["api-key"];
  const apiKey = other === undefined ? undefined : (/^bearer +(.+)$/i.exec(other)?.[1] ?? other);
  if (authorization === undefined) return apiKey;
  if (apiKey !== undefined && apiKey !== authorization && bothAreKeys(authorization, apiKey)) {
    throw new TollgateError("AUTH_AMBIGUOUS");
  }
  return authorization;
}

function credentialValues(rawHeaders: readonly string[]): Partial<Record<CredentialHeader, string>> {
  const values: Partial<Record<CredentialHeader, string>> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!isCredentialHeader(name)) continue;
    const value = rawHeaders[index + 1]!.trim();
    if (name in values) throw new TollgateError("BAD_CREDENTIALS_HEADER");
    if (value === "") continue;
    if (value.length > MAX_TOKEN_BYTES || !VISIBLE_ASCII.test(value.replace(/^bearer +/i, ""))) {
      if (name === "authorization" && /^[a-z]+ +[\x20-\x7e]+$/i.test(value))
        throw new TollgateError("AUTH_INVALID");
      throw new TollgateError("BAD_CREDENTIALS_HEADER");
    }
    values[name] = value;
  }
  return values;
}

function isCredentialHeader(name: string): name is CredentialHeader {
  return (credentialHeaders as readonly string[]).includes(name);
}

function bearerToken(value: string): string {
  const token = /^bearer +(.+)$/i.exec(value)?.[1];
  if (token !== undefined) return token;
  if (value.startsWith("sk-")) return value;
  throw new TollgateError("AUTH_INVALID");
}

function bothAreKeys(a: string, b: string): boolean {
  return parseKey(a) !== undefined && parseKey(b) !== undefined;
}
