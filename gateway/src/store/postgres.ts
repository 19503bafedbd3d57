import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from "kysely";
import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient, type QueryConfig, types } from "pg";
import { type Clock, within } from "../lib/clock.ts";
import { type Dial, listening } from "./listening.ts";
import { isOutageCode, StoreUnavailable } from "./outages.ts";
import type { Store } from "./store.ts";
import type { Tables } from "./tables.ts";
import { valueParsers } from "./values.ts";

/** Nobody waits longer than this for a connection, nor for an answer. */
const PATIENCE_MS = 2_000;
const LISTENER_CHECK_MS = 5_000;
const MAINTENANCE_CONNECTIONS = 2;

/** Resolves when the database has answered once. Connections come and go; the store stays usable through outages. */
export async function openPostgres(options: { url: string; poolSize: number; clock: Clock }): Promise<Store> {
  const { clock } = options;
  const ordinary = { ...connectionConfig(options.url), statement_timeout: PATIENCE_MS };
  const pool = new Pool({ ...ordinary, max: options.poolSize });
  const maintenancePool = new Pool({ ...connectionConfig(options.url), max: MAINTENANCE_CONNECTIONS });
  for (const each of [pool, maintenancePool]) {
    // A connection's end reaches whoever uses it as the error of a query; without listeners it ends the process.
    each.on("error", () => {});
    each.on("connect", (client) => client.on("error", () => {}));
  }
  const ears = listening(clock, dial({ ...ordinary, query_timeout: PATIENCE_MS }, clock));
  const db = kysely(pool, { clock, prepared: preparedStatements(), patienceMs: PATIENCE_MS });
  const close = async (): Promise<void> => {
    await ears.close();
    await Promise.all([pool.end(), maintenancePool.end()]);
  };

  try {
    await sql`select 1`.execute(db);
  } catch (error) {
    await close();
    throw unavailable(error);
  }
  return {
    kind: "postgres",
    db,
    maintenance: kysely(maintenancePool, { clock, prepared: () => ({}), patienceMs: undefined }),
    listen: ears.listen,
    close,
  };
}

function connectionConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: "tollgate",
    connectionTimeoutMillis: PATIENCE_MS,
    keepAlive: true,
    // Compiling a statement costs more than any of ours takes: jit would make 0.1 ms into 6.
    options: "-c timezone=UTC -c statement_timeout=0 -c jit=off",
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        valueParsers[oid] ?? types.getTypeParser(oid, format as "text"),
    },
  };
}

/** How statements are sent: under which name, and how long for an answer is waited; undefined: for ever. */
type Manner = {
  readonly clock: Clock;
  readonly prepared: (sql: string) => { readonly name?: string };
  readonly patienceMs: number | undefined;
};

function kysely(pool: Pool, manner: Manner): Kysely<Tables> {
  return new Kysely({ dialect: new PostgresDialect({ pool: guarded(pool, manner) }) });
}

const MOST_PREPARED = 200;

/**
 * Names for the statements that requests repeat: each connection plans them once. Texts that keep changing, such as
 * inserts of many rows, find no free name soon and stay unprepared.
 */
function preparedStatements(): Manner["prepared"] {
  const names = new Map<string, string>();
  return (sql) => {
    let name = names.get(sql);
    if (name === undefined) {
      if (names.size === MOST_PREPARED) return {};
      name = `tollgate_${names.size}`;
      names.set(sql, name);
    }
    return { name };
  };
}

/** A pool whose connections are thrown away, not reused, after an error that did not come from the server. */
function guarded(pool: Pool, manner: Manner): PostgresPool {
  return {
    options: {},
    end: async () => {},
    async connect(): Promise<PostgresPoolClient> {
      const client = await pool.connect().catch((error: unknown) => {
        throw unavailable(error);
      });
      let broken: StoreUnavailable | undefined;
      const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
        if (broken !== undefined) throw broken;
        try {
          return await answerOf(
            client,
            { ...manner.prepared(sql), text: sql, values: [...parameters] },
            manner,
          );
        } catch (error) {
          if (error instanceof DatabaseError) throw isOutageCode(error.code) ? unavailable(error) : error;
          if (isMistake(error)) throw error;
          broken = unavailable(error);
          throw broken;
        }
      };
      return {
        query: query as PostgresPoolClient["query"],
        release: (discard) => client.release(discard === true || broken !== undefined),
      };
    },
  };
}

/**
 * Asks with a callback and a deadline of our own: the closures that pg makes for promises and deadlines are allocated
 * old, and each would keep its answer, and all that waited for it, until the next major garbage collection.
 */
function answerOf(client: PoolClient, query: QueryConfig, { clock, patienceMs }: Manner): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${patienceMs} ms`));
    const callOff = patienceMs === undefined ? () => {} : clock.after(patienceMs, giveUp);
    client.query(query, (error, result) => {
      callOff();
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** An argument that cannot be sent or a value that cannot be read: the connection is as good as before. */
function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}

function unavailable(error: unknown): StoreUnavailable {
  const { message = "", code = "" } = error as { message?: string; code?: string };
  return new StoreUnavailable(`PostgreSQL is not available: ${message || code}`, { cause: error });
}

/** A connection of its own for notifications. A server that falls silent is noticed by asking it now and then. */
function dial(config: ClientConfig, clock: Clock): Dial {
  return async (on) => {
    const client = new Client(config);
    let open = false;
    let last: Promise<unknown> = Promise.resolve();
    /** One after another: pg is to be asked nothing while it waits for an answer. */
    const run = (statement: string): Promise<unknown> => {
      last = last.then(
        () => client.query(statement),
        () => client.query(statement),
      );
      return last;
    };
    const end = (): void => {
      stopChecking();
      if (open) on.lost();
      open = false;
      client.end().catch(() => {});
    };
    const stopChecking = clock.every(LISTENER_CHECK_MS, () => run("select 1").catch(end));
    client.on("error", end);
    client.on("end", end);
    client.on("notification", (message) => on.message(message.channel, message.payload ?? ""));
    try {
      await client.connect();
    } catch (error) {
      end();
      throw unavailable(error);
    }
    open = true;
    return {
      run,
      async close() {
        open = false;
        stopChecking();
        await within(
          clock,
          PATIENCE_MS,
          client.end(),
          () => new Error("the listener's connection did not end"),
        );
      },
    };
  };
}
