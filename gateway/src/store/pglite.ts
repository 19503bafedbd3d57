import { AsyncLocalStorage } from "node:async_hooks";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { type Chance, systemChance } from "../lib/ids.ts";
import { type Dial, listening } from "./listening.ts";
import { type Lock, takeLock } from "./lock.ts";
import { isOutage, StoreUnavailable } from "./outages.ts";
import { checkFolder } from "./pglite.folder.ts";
import { openSession, type Session } from "./pglite.session.ts";
import type { Rows } from "./pglite.worker.ts";
import type { Store } from "./store.ts";
import type { Db } from "./tables.ts";
import { type Turns, turns } from "./turns.ts";

/** A database inside this process. */
export type EmbeddedStore = Store & {
  /** Tells other processes where this one's admin API listens, so that they ask it instead of opening the folder. */
  announce(adminUrl: string): void;
};

export type PgliteOptions = {
  /** Made if it does not exist. One process at a time; the lock lies beside it as `<folder>.lock`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly chance?: Chance;
  /** Every commit survives a power cut. True unless said otherwise. */
  readonly durable?: boolean;
};

/** A statement that takes longer is stopped together with its thread, which is opened again. */
const STATEMENT_LIMIT_MS = 10_000;
const MAINTENANCE_LIMIT_MS = 3_600_000;
const TURN_LIMIT_MS = 10_000;

/**
 * Throws FolderInUse if another process has the folder, FolderUnusable if it is not a database of this version.
 * There is one connection: transactions run one after another.
 */
export async function openPglite(options: PgliteOptions): Promise<EmbeddedStore> {
  const { clock, chance = systemChance, durable = true } = options;
  const folder = resolve(options.folder);
  mkdirSync(dirname(folder), { recursive: true });
  const lock = takeLock(folder, { clock, chance });
  try {
    checkFolder(folder);
    return await open({ folder, clock, durable }, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function open(
  options: { folder: string; clock: Clock; durable: boolean },
  lock: Lock,
): Promise<EmbeddedStore> {
  const queue = turns(options.clock);
  let hearing: Parameters<Dial>[0] | undefined;
  let opening: Promise<Session> | undefined;
  let closed = false;

  const openOne = async (): Promise<Session> => {
    try {
      const session = await openSession({
        ...options,
        onNotification: (channel, payload) => hearing?.message(channel, payload),
      });
      session.gone.then(() => {
        opening = undefined;
        hearing?.lost();
      });
      return session;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const current = async (): Promise<Session> => {
    for (;;) {
      if (closed) throw new StoreUnavailable("The database is closed");
      opening ??= openOne();
      const session = await opening;
      if (session.isOpen()) return session;
      await session.gone;
    }
  };
  const surroundings: Surroundings = new AsyncLocalStorage();
  const kysely = (statementLimitMs: number): Db => {
    const pool = poolOfOne(queue, surroundings, current, statementLimitMs);
    return new Kysely({ dialect: new PostgresDialect({ pool }) });
  };
  const db = kysely(STATEMENT_LIMIT_MS);
  const ears = listening(options.clock, async (on) => {
    await current();
    hearing = on;
    return { run: (text) => sql.raw(text).execute(db), close: async () => {} };
  });

  await current();
  return {
    kind: "pglite",
    db,
    maintenance: kysely(MAINTENANCE_LIMIT_MS),
    listen: ears.listen,
    announce: lock.announce,
    async close() {
      if (closed) return;
      const endTurn = await queue.take(TURN_LIMIT_MS).catch(() => () => {});
      closed = true;
      await ears.close();
      await opening?.then((session) => session.close()).catch(() => {});
      endTurn();
      lock.release();
    },
  };
}

/** Whose transaction is open in the code that runs. */
type Surroundings = AsyncLocalStorage<{ open: boolean }>;

/** The one connection, lent to one caller at a time. */
function poolOfOne(
  queue: Turns,
  surroundings: Surroundings,
  current: () => Promise<Session>,
  statementLimitMs: number,
): PostgresPool {
  return {
    options: {},
    end: async () => {},
    async connect(): Promise<PostgresPoolClient> {
      if (surroundings.getStore()?.open)
        throw new Error("A transaction is open here: use its own handle, or it waits for itself for ever");
      const endTurn = await queue.take(TURN_LIMIT_MS);
      const session = await current().catch((error: unknown) => {
        endTurn();
        throw isOutage(error)
          ? error
          : new StoreUnavailable("The embedded database did not open", { cause: error });
      });
      const transaction = { open: false };
      const query = (text: string, parameters: readonly unknown[]): Promise<Rows> => {
        if (/^(begin|start transaction)\b/.test(text)) {
          transaction.open = true;
          surroundings.enterWith(transaction);
        }
        return session.query(text, parameters, statementLimitMs);
      };
      return {
        query: query as PostgresPoolClient["query"],
        release(discard) {
          transaction.open = false;
          if (discard) void session.kill().finally(endTurn);
          else endTurn();
        },
      };
    },
  };
}
