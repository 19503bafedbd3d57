import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { type Home, newHome, startTollgate, type Tollgate, type Variables } from "./server.ts";
import { dearByDefault, startUpstream, type Upstream } from "./upstream.ts";

/** A server before an upstream that keeps its own books, for users of whom each test takes new ones. */
export type Booked = AsyncDisposable & {
  readonly home: Home;
  readonly upstream: Upstream;
  readonly server: Tollgate;
  /** The token of a user who has not called before. */
  newToken(): string;
  /** What the upstream served while `work` ran. */
  servedDuring(work: () => Promise<unknown>): Promise<readonly SimulatedCall[]>;
};

const USERS = 100;

/** `env` says which of the upstream's formats the server knows. */
export async function startBooked(env: (upstream: Upstream) => Variables, config?: string): Promise<Booked> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await newHome());
  const upstream = stack.use(await startUpstream());
  const tokens = Array.from({ length: USERS }, (_, index) => `token-of-usr_${index}`);
  const server = stack.use(
    await startTollgate({
      home,
      env: {
        ...dearByDefault,
        APP_AUTH_TOKEN_USER_MAP: tokens.map((token, index) => `${token}:usr_${index}`).join(","),
        IP_RATE_LIMIT_PER_MINUTE: "",
        OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
        ...env(upstream),
      },
      ...(config === undefined ? {} : { config }),
    }),
  );
  const held = stack.move();
  return {
    home,
    upstream,
    server,
    newToken: () => tokens.pop()!,
    async servedDuring(work) {
      const before = upstream.calls.length;
      await work();
      return upstream.calls.slice(before);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A key of a project that may spend so many USD. */
export async function keyWithBudget(
  { ask }: Tollgate,
  usd: string,
): Promise<{ readonly projectId: number; readonly key: string }> {
  const { id } = await ask<{ id: number }>("projects", "create", "--name", "p", "--budget", usd);
  const { key } = await ask<{ key: string }>("keys", "issue", "--name", "k", "--project", String(id));
  return { projectId: id, key };
}
