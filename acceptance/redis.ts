import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Redis } from "ioredis";
import { until } from "../gateway/src/lib/until.testing.ts";
import { freeze } from "./stores.ts";

/** A Redis that may fail: one of its own, on the same port from start to start, with nothing on disk. */
export type FragileRedis = AsyncDisposable & {
  readonly url: string;
  /** Stops it where it is; the returned function lets it go on. */
  freeze(): () => void;
  kill(): Promise<void>;
  /** Empty, as after every start. */
  start(): Promise<void>;
  flush(): Promise<void>;
};

export async function startFragileRedis(): Promise<FragileRedis> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const end = () => child?.kill("SIGKILL");
  process.on("exit", end);

  const answers = async (work: (redis: Redis) => Promise<unknown>): Promise<boolean> => {
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: null });
    redis.on("error", () => {});
    return redis
      .connect()
      .then(() => work(redis))
      .then(
        () => true,
        () => false,
      )
      .finally(() => redis.disconnect());
  };
  const start = async (): Promise<void> => {
    const flags = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    child = spawn("redis-server", flags, { stdio: "ignore" });
    await until(() => answers((redis) => redis.ping()));
  };
  const kill = async (): Promise<void> => {
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    child = undefined;
  };

  await start();
  return {
    url,
    start,
    kill,
    freeze: () => freeze(child!.pid!),
    async flush() {
      if (!(await answers((redis) => redis.flushall()))) throw new Error("Redis is away");
    },
    async [Symbol.asyncDispose]() {
      await kill();
      process.off("exit", end);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
