import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Db } from "../gateway/src/store/tables.ts";
import { missing, testPostgres } from "../gateway/src/store/testing.ts";
import type { Variables } from "./server.ts";

/** An empty database in PostgreSQL and an empty one in Redis, for any number of instances. */
export type Stores = AsyncDisposable & { readonly env: Variables; readonly db: Db };

/** For `test("…", { skip: withoutStores() }, …)`: why it cannot run. Throws if services are required. */
export function withoutStores(): string | false {
  return missing("postgres") || missing("redis");
}

export const SECRET_KEY = "one secret key that all the instances share";

export async function newStores(): Promise<Stores> {
  const store = await testPostgres();
  const REDIS_URL = await emptyRedisUrl(process.env.TOLLGATE_TEST_REDIS_URL!);
  return {
    env: { DATABASE_URL: store.url, REDIS_URL, SECRET_KEY },
    db: store.db,
    [Symbol.asyncDispose]: store.close,
  };
}

const ATTEMPTS = 50;

/** One of the numbered databases that holds nothing. */
async function emptyRedisUrl(url: string): Promise<string> {
  const bare = url.replace(/\/\d*$/, "");
  const redis = new Redis(bare);
  try {
    const [, databases] = (await redis.config("GET", "databases")) as [string, string];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const number = Math.floor(Math.random() * Number(databases));
      await redis.select(number);
      if ((await redis.dbsize()) === 0) return `${bare}/${number}`;
    }
  } finally {
    redis.disconnect();
  }
  throw new Error("found no empty database in Redis");
}

/** Stops a process and its children where they are; the returned function lets them go on. Linux only. */
export function freeze(pid: number): () => void {
  const frozen: number[] = [];
  const stop = (one: number): void => {
    if (!isSignalled(one, "SIGSTOP")) return;
    frozen.push(one);
    const children = readFileSync(`/proc/${one}/task/${one}/children`, "utf8").trim();
    for (const child of children === "" ? [] : children.split(" ")) stop(Number(child));
  };
  stop(pid);
  return () => {
    for (const one of frozen.splice(0)) isSignalled(one, "SIGCONT");
  };
}

/** False: it has ended meanwhile. */
function isSignalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
