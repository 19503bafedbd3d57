import { startTollgate, type Tollgate, type Variables } from "./server.ts";

/** Any number of servers on the same stores, started at once. */
export type Instances = AsyncDisposable & {
  readonly servers: readonly Tollgate[];
  readonly urls: readonly string[];
  /** One of their addresses, in turn. */
  readonly url: (index: number) => string;
  /** Printed by the one that offered it. */
  readonly setupToken: string | undefined;
};

/** The client's address is what `X-Forwarded-For` says. */
const unlimited = {
  KEY_RATE_LIMIT_PER_MINUTE: "",
  IP_RATE_LIMIT_PER_MINUTE: "",
  ABUSE_MODE: "off",
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  TRUSTED_PROXIES: "127.0.0.1/32",
};

/** @param config What stands in the `tollgate.yaml` of each. */
export async function startInstances(count: number, env: Variables, config = ""): Promise<Instances> {
  await using stack = new AsyncDisposableStack();
  const options = { env: { ...unlimited, ...env }, config };
  const started = await Promise.allSettled(Array.from({ length: count }, () => startTollgate(options)));
  const servers = started.flatMap((one) => (one.status === "fulfilled" ? [stack.use(one.value)] : []));
  const failed = started.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const urls = servers.map(({ url }) => url);
  const held = stack.move();
  return {
    servers,
    urls,
    url: (index) => urls[index % urls.length]!,
    setupToken: servers.find(({ setupToken }) => setupToken !== undefined)?.setupToken,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
