import type { Clock } from "./clock.ts";
import { TollgateError } from "./errors.ts";

/** What a sign-in gives. Store it as it is. */
export type Tokens = {
  readonly accessToken: string;
  /** Good once: whoever uses one that was traded already ends the session. */
  readonly refreshToken: string;
  /** When the access token ends, by this device's clock, milliseconds since the epoch. */
  readonly expiresAt: number;
};

export type CredentialOptions = {
  /** `sk-…`, while nobody is signed in. */
  readonly apiKey?: string | undefined;
  /** Of a session that somebody else keeps alive. */
  readonly accessToken?: string | undefined;
  /** A session that this client keeps alive. */
  readonly session?: Tokens | undefined;
  /** Which app it is that people sign in to, for the assistant: a key of ours or a static one. */
  readonly appKey?: string | undefined;
  /** Told of every new pair of tokens, before it is used; undefined: the session has ended. */
  readonly onSession?: ((tokens: Tokens | undefined) => void | Promise<void>) | undefined;
};

/** Headers, and what was in them. */
export type Credential = {
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string | undefined;
};

export type Credentials = {
  readonly tokens: Tokens | undefined;
  /** What goes with a request now. Trades a session's tokens first if they are about to end. */
  current(): Promise<Credential>;
  /** After a refusal of this token: is there a newer one by now? */
  renew(refused: string | undefined): Promise<boolean>;
  /** Holds tokens that are new, and tells `onSession`. */
  hold(tokens: Tokens | undefined): Promise<void>;
  /** Holds tokens that somebody else has stored. */
  adopt(tokens: Tokens | undefined): void;
};

export type CredentialDeps = CredentialOptions & {
  readonly clock: Clock;
  readonly refresh: (refreshToken: string) => Promise<Tokens>;
};

const ENDS_SOON_MS = 30_000;

/** Who is calling goes in `Authorization`, which app it is in `X-API-Key`. */
export function credentials(deps: CredentialDeps): Credentials {
  const { clock, onSession } = deps;
  const app = deps.appKey === undefined ? {} : { "x-api-key": deps.appKey };
  let tokens = deps.session;
  let trading: Promise<void> | undefined;

  async function hold(next: Tokens | undefined): Promise<void> {
    await onSession?.(next);
    tokens = next;
  }

  /** One at a time, however many ask: the old token is good once. */
  function trade(old: Tokens): Promise<void> {
    trading ??= deps
      .refresh(old.refreshToken)
      .catch((error: unknown) => {
        if (error instanceof TollgateError && error.type === "AUTH_INVALID") return undefined;
        throw error;
      })
      .then((next) => (tokens === old ? hold(next) : undefined))
      .finally(() => {
        trading = undefined;
      });
    return trading;
  }

  return {
    get tokens() {
      return tokens;
    },
    async current() {
      if (trading !== undefined) await trading;
      if (tokens !== undefined && tokens.expiresAt - clock.now() < ENDS_SOON_MS) await trade(tokens);
      const token = tokens?.accessToken ?? deps.accessToken ?? deps.apiKey;
      const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return { headers: { ...bearer, ...app }, token };
    },
    async renew(refused) {
      if (tokens === undefined) return false;
      if (tokens.accessToken === refused) await trade(tokens);
      return tokens !== undefined && tokens.accessToken !== refused;
    },
    hold,
    adopt(stored) {
      tokens = stored;
    },
  };
}
