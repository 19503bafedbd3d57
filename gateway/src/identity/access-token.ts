import { hash } from "node:crypto";
import { errors, type JWTHeaderParameters, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../lib/clock.ts";
import type { Chance } from "../lib/ids.ts";
import type { Role } from "./principal.ts";

/** Access tokens of signed-in people: JWTs (RFC 9068) that name a session. What they may do, the session says. */
export type AccessTokens = {
  issue(of: SessionStanding): Promise<{ readonly token: string; readonly expiresInSeconds: number }>;
  /** Undefined: not a token of ours, or past its end. */
  verify(token: string): Promise<SessionClaims | undefined>;
};

/** `role` and `epoch` are for whoever reads the token; nothing here believes them later. */
export type SessionStanding = {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
  readonly epoch: number;
};

export type SessionClaims = {
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAtMs: number;
};

const ALGORITHM = "HS256";
const TYPE = "at+jwt";
const AUDIENCE = "tollgate-api";
const TOLERANCE_SECONDS = 30;
/** The last character of 32 bytes carries four bits: every other spelling of the same signature is refused. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** @param options.keys The first signs, all verify. `issuer`: where tokens are from, the server's public URL. */
export function accessTokens(options: {
  readonly keys: readonly Uint8Array[];
  readonly issuer: string;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly chance: Chance;
}): AccessTokens {
  const { issuer, ttlSeconds, clock, chance } = options;
  const keys = options.keys.map((key) => ({ key, kid: kidOf(key) }));

  function keyOf({ kid, ...others }: JWTHeaderParameters): Uint8Array {
    const found = keys.find((key) => key.kid === kid);
    // Nothing but alg and typ beside kid: no crit, and no key or address of a key that the token brings itself.
    if (found === undefined || Object.keys(others).length !== 2) throw new errors.JWSInvalid();
    return found.key;
  }

  return {
    async issue({ userId, sessionId, role, epoch }) {
      const { key, kid } = keys[0]!;
      const issuedAt = Math.floor(clock.now() / 1_000);
      const token = await new SignJWT({ sid: sessionId, role, ep: epoch })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(userId)
        .setJti(Buffer.from(chance.bytes(16)).toString("base64url"))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(key);
      return { token, expiresInSeconds: ttlSeconds };
    },
    async verify(token) {
      if (!FORM.test(token)) return undefined;
      try {
        const { payload } = await jwtVerify(token, keyOf, {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer,
          audience: AUDIENCE,
          requiredClaims: ["sub", "sid", "jti", "iat", "exp"],
          clockTolerance: TOLERANCE_SECONDS,
          currentDate: new Date(clock.now()),
        });
        const { sub, sid, exp } = payload;
        if (typeof sub !== "string" || typeof sid !== "string" || exp === undefined) return undefined;
        return { userId: sub, sessionId: sid, expiresAtMs: exp * 1_000 };
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}

/** Three parts in base64url: nothing else that Tollgate accepts looks like it. */
export function looksLikeJwt(token: string): boolean {
  return JWT.test(token);
}

/** Names a key in a token's header: the first four bytes of its SHA-256, in hex. */
function kidOf(key: Uint8Array): string {
  return hash("sha256", key, "hex").slice(0, 8);
}
