import { createHash } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { type Clock, nextTurn } from "../lib/clock.ts";
import { silence } from "./silence.ts";

/** The one door to Redis. What it holds may be lost at any moment: limits, cooldowns, breakers, the cache epoch. */
export type RedisDoor = {
  define(lua: string): RedisScript;
  /** Hears what is published, over a connection of its own, until the returned function is called. */
  subscribe(channel: string, on: RedisEar): () => void;
  ping(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Runs the script on the server in one round trip. Rejects with RedisUnavailable when no answer came within
 * `timeoutMs`, when there is no connection, and when the server refuses. A script that timed out may still run later.
 */
export type RedisScript = (
  keys: readonly string[],
  args: readonly (string | number)[],
  timeoutMs: number,
) => Promise<unknown>;

export type RedisEar = {
  message(text: string): void;
  /** The channel is heard, or heard again: what was published before is lost. */
  listening(): void;
};

/** Redis did not answer, or not usefully; `cause` says how. */
export class RedisUnavailable extends Error {
  override readonly name = "RedisUnavailable";
}

const CONNECT_TIMEOUT_MS = 500;
const PING_TIMEOUT_MS = 200;
/** A connection that owes an answer for this long is replaced. */
const DEAD_CONNECTION_MS = 2_000;
const LONGEST_RECONNECT_PAUSE_MS = 1_000;

/**
 * `redis:` and `rediss:` (TLS) name a server, `redis+cluster:` and `rediss+cluster:` any node of a Redis Cluster, where
 * the keys of a script must share their hash tag.
 * Connects in the background and for ever; a command that comes before the first attempt has ended waits for it.
 */
export function openRedis(options: {
  url: string;
  clock: Clock;
  /** There is a new connection: what is at its other end may have lost anything. */
  onConnected?: () => void;
}): RedisDoor {
  const { url, clock, onConnected = () => {} } = options;
  const redis = connectTo(url);
  redis.on("ready", onConnected);
  const firstAttempt = new Promise<void>((resolve) => {
    redis.once("ready", resolve);
    redis.once("error", () => resolve());
    redis.once("end", resolve);
  });
  // Every failure reaches its caller; without a listener the client would print them as well.
  redis.on("error", () => {});
  const guard = silence(clock);

  /** Commands of one turn leave in one write: the system call costs more than all else that is done for a command. */
  let isGathering = false;
  const gather = (): void => {
    if (isGathering || redis instanceof Cluster || redis.status !== "ready") return;
    isGathering = true;
    const { stream } = redis;
    stream.cork();
    nextTurn(() => {
      isGathering = false;
      stream.uncork();
    });
  };

  const send = async (timeoutMs: number, command: () => Promise<unknown>): Promise<unknown> => {
    const attempt = guard.enter();
    if (attempt === undefined) throw new RedisUnavailable("Redis failed a moment ago and is left alone");
    gather();
    const work = redis.status === "ready" ? command() : firstAttempt.then(command);
    try {
      const answer = await answered(clock, timeoutMs, work);
      attempt.succeeded();
      return answer;
    } catch (error) {
      if (isReply(error)) attempt.succeeded();
      else attempt.failed();
      throw new RedisUnavailable("Redis did not answer", { cause: error });
    }
  };

  return {
    define(lua) {
      const sha = createHash("sha1").update(lua).digest("hex");
      return (keys, args, timeoutMs) =>
        send(timeoutMs, async () => {
          try {
            return await redis.evalsha(sha, keys.length, ...keys, ...args);
          } catch (error) {
            if (!isReply(error) || !error.message.startsWith("NOSCRIPT")) throw error;
            return redis.eval(lua, keys.length, ...keys, ...args);
          }
        });
    },
    subscribe(channel, { message, listening }) {
      const ear = connectTo(url);
      ear.on("error", () => {});
      ear.on("message", (_channel: string, text: string) => message(text));
      // What breaks in between breaks the connection, and the next one is ready again.
      ear.on("ready", () => void ear.subscribe(channel).then(listening, () => {}));
      return () => ear.disconnect();
    },
    ping: async () => {
      await send(PING_TIMEOUT_MS, () => redis.ping());
    },
    close: async () => redis.disconnect(),
  };
}

function connectTo(url: string): Redis | Cluster {
  const serverUrl = url.replace("+cluster:", ":");
  if (serverUrl === url) return new Redis(url, { ...connection, retryStrategy: reconnectPauseMs });
  // Only the first node is told by the URL; the others are found, with these credentials.
  const { protocol, username, password } = new URL(serverUrl);
  return new Cluster([serverUrl], {
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectPauseMs,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    redisOptions: {
      ...connection,
      ...(username !== "" && { username: decodeURIComponent(username) }),
      ...(password !== "" && { password: decodeURIComponent(password) }),
      ...(protocol === "rediss:" && { tls: {} }),
    },
  });
}

const reconnectPauseMs = (attempt: number): number => Math.min(50 * attempt, LONGEST_RECONNECT_PAUSE_MS);

const connection = {
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  connectTimeout: CONNECT_TIMEOUT_MS,
  // Bounds the handshake; scripts bring their own, shorter times.
  commandTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: DEAD_CONNECTION_MS,
};

/** The server answered, and said no. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/**
 * Rejects when `work` has not ended `ms` after this turn, at whose end its command is written. An answer that has
 * already reached the socket counts even if this process was too busy to read it: the verdict falls one turn of the
 * event loop after the alarm.
 */
function answered<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancel: (() => void) | undefined;
    let isDone = false;
    nextTurn(() => {
      if (isDone) return;
      cancel = clock.after(ms, () => nextTurn(() => reject(new Error(`no answer within ${ms} ms`))));
    });
    work.then(resolve, reject).finally(() => {
      isDone = true;
      cancel?.();
    });
  });
}
