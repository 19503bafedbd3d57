import type { Caller } from "../caller.ts";
import type { Clock } from "../clock.ts";
import type { Credentials, Tokens } from "../credentials.ts";
import type { Body } from "../operations.ts";
import type { SignedIn, User } from "../schema.ts";
import type { CallOptions } from "../transport.ts";

/** Signing in begins the client's session, and signing out ends it. */
export function authResource(call: Caller, credentials: Credentials, clock: Clock) {
  const anonymous = { isAnonymous: true };
  return {
    /** Makes an account. Nobody is signed in by it. */
    register: (body: Body<"POST /auth/register">, options?: CallOptions) =>
      call.request("POST /auth/register", { body }, options, anonymous),
    /** The first administrator, with the one-time token of the first start. */
    setUp: (body: Body<"POST /auth/setup">, options?: CallOptions) =>
      call.request("POST /auth/setup", { body }, options, anonymous),
    async login(body: Body<"POST /auth/login">, options?: CallOptions): Promise<User> {
      const signedIn = await call.request("POST /auth/login", { body }, options, anonymous);
      await credentials.hold(tokensIn(signedIn, clock.now()));
      return signedIn.user;
    },
    async loginWithGoogle(body: Body<"POST /v1/auth/google">, options?: CallOptions): Promise<User> {
      const signedIn = await call.request("POST /v1/auth/google", { body }, options, anonymous);
      const { accessToken, refreshToken, expiresIn, user } = signedIn;
      await credentials.hold({ accessToken, refreshToken, expiresAt: clock.now() + expiresIn * 1000 });
      return user;
    },
    async logout(options?: CallOptions): Promise<void> {
      await call.request("POST /auth/logout", {}, options, { isRepeatable: true });
      await credentials.hold(undefined);
    },
    me: (options?: CallOptions) => call.request("GET /v1/auth/me", {}, options),
    /** Every other session ends. */
    changePassword: (body: Body<"POST /auth/password">, options?: CallOptions) =>
      call.request("POST /auth/password", { body }, options),
  };
}

export function tokensIn(signedIn: SignedIn, now: number): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in } = signedIn;
  return { accessToken, refreshToken, expiresAt: now + expires_in * 1000 };
}
