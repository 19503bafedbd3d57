import { hmacSha256 } from "../lib/secrets.ts";
import { looksLikeJwt } from "./access-token.ts";
import { parseKey } from "./key.ts";

const USER_ID = /^usr_[A-Za-z0-9._-]{1,60}$/;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const APP_NAME_LENGTH = 16;

/**
 * Static bearer tokens and their users (I2), and static keys of apps (G2). Holds digests only, so no comparison depends
 * on a secret.
 */
export type StaticTokens = {
  readonly userIds: readonly string[];
  userOf(token: string): string | undefined;
  /** A one-way name of the app, the same as long as its key and SECRET_KEY are. */
  appOf(key: string): string | undefined;
};

export type StaticTokenSettings = {
  /** `tokenA:usr_dev,tokenB:usr_2`; each entry is split at its last colon. */
  readonly map: string | undefined;
  /** `t1,t2`: all of them are `defaultUser`, unless the map names them. */
  readonly legacy: string | undefined;
  readonly defaultUser: string;
  /** `k1,k2`: keys that say which app asks, and never who. */
  readonly apps?: string | undefined;
};

/** Never fails half: gives the tokens, or one sentence per fault that names an entry's position, never its text. */
export function staticTokens(
  settings: StaticTokenSettings,
  hmacKey: Uint8Array,
): { readonly tokens: StaticTokens } | { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const users = new Map<string, string>();
  const apps = new Map<string, string>();
  const digest = (token: string) => hmacSha256(hmacKey, token).toString("base64url");
  const add = (setting: string, position: number, token: string, userId: string) => {
    const fault =
      tokenFaultOf(token) ?? (USER_ID.test(userId) ? undefined : "has no user of the form usr_name");
    const known = users.get(digest(token));
    if (fault !== undefined) faults.push(`${setting} entry ${position} ${fault}`);
    else if (known === undefined) users.set(digest(token), userId);
    else if (setting === "APP_AUTH_TOKEN_USER_MAP" && known !== userId) {
      faults.push(`${setting} entry ${position} gives a token a second user`);
    }
  };
  for (const [index, entry] of entriesOf(settings.map).entries()) {
    const colon = entry.lastIndexOf(":");
    if (colon < 0) faults.push(`APP_AUTH_TOKEN_USER_MAP entry ${index + 1} is not token:user`);
    else
      add("APP_AUTH_TOKEN_USER_MAP", index + 1, entry.slice(0, colon).trim(), entry.slice(colon + 1).trim());
  }
  for (const [index, token] of entriesOf(settings.legacy).entries()) {
    add("APP_AUTH_BEARER_TOKENS", index + 1, token, settings.defaultUser);
  }
  for (const [index, key] of entriesOf(settings.apps).entries()) {
    const name = digest(key);
    const fault = users.has(name) ? "is a user's token" : tokenFaultOf(key);
    if (fault !== undefined) faults.push(`ASSIST_API_KEYS entry ${index + 1} ${fault}`);
    else apps.set(name, `app-${name.slice(0, APP_NAME_LENGTH)}`);
  }
  if (!USER_ID.test(settings.defaultUser)) faults.push("APP_AUTH_DEFAULT_USER must look like usr_name");
  if (faults.length > 0) return { faults };
  const userIds = [...new Set(users.values())];
  return {
    tokens: {
      userIds,
      userOf: (token) => users.get(digest(token)),
      appOf: (key) => apps.get(digest(key)),
    },
  };
}

function entriesOf(list: string | undefined): readonly string[] {
  return list === undefined ? [] : list.split(",").map((entry) => entry.trim());
}

function tokenFaultOf(token: string): string | undefined {
  if (token === "") return "has no token";
  if (!VISIBLE_ASCII.test(token)) return "has a token with spaces or unprintable characters";
  if (parseKey(token) !== undefined || token.startsWith("sk-tg1_"))
    return "has a token shaped like an API key";
  if (looksLikeJwt(token)) return "has a token shaped like a JWT";
  return undefined;
}
