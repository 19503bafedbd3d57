import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { systemClock } from "../lib/clock.ts";
import { systemChance, uuidv7 } from "../lib/ids.ts";
import { type Migration, migrate, readMigrations } from "./migrate.ts";
import { openPglite } from "./pglite.ts";
import { openPostgres } from "./postgres.ts";
import { openRedis, type RedisDoor } from "./redis.ts";
import type { Store } from "./store.ts";

/** Databases and Redis for tests. Nothing that ships imports this file. */
export type TestStore = Store & AsyncDisposable;

const databaseUrl = process.env.TOLLGATE_TEST_DATABASE_URL;
const redisUrl = process.env.TOLLGATE_TEST_REDIS_URL;
const required = process.env.REQUIRE_SERVICES === "1";

/** An empty, migrated database of its own: in the PostgreSQL the tests were given, else in PGlite. Gone at dispose. */
export async function testStore(): Promise<TestStore> {
  return databaseUrl === undefined ? await testPglite() : await testPostgres();
}

/** For `test("…", { skip: missing("postgres") }, …)`: why the test cannot run. Throws if services are required. */
export function missing(service: "postgres" | "redis"): string | false {
  const [name, url] =
    service === "postgres"
      ? ["TOLLGATE_TEST_DATABASE_URL", databaseUrl]
      : ["TOLLGATE_TEST_REDIS_URL", redisUrl];
  if (url !== undefined) return false;
  if (required) throw new Error(`REQUIRE_SERVICES=1, but ${name} is not set`);
  return `needs ${service}: set ${name}, or run npm run test:services`;
}

/** Always PGlite, not synced to disk. */
export async function testPglite(): Promise<TestStore> {
  const { folder, remove } = await testFolder();
  const store = await openPglite({ folder, clock: systemClock, durable: false });
  await renameDeployment(store);
  return disposable(store, async () => remove());
}

/** A folder that holds a migrated, closed PGlite database. */
export async function testFolder(): Promise<{ readonly folder: string; remove(): void } & Disposable> {
  const home = mkdtempSync(join(tmpdir(), "tollgate-test-"));
  const folder = join(home, "data");
  cpSync(await templateFolder(), folder, { recursive: true });
  const remove = (): void => rmSync(home, { recursive: true, force: true });
  return { folder, remove, [Symbol.dispose]: remove };
}

/** Always PostgreSQL. `url` reaches it from another process too. */
export async function testPostgres(): Promise<TestStore & { readonly url: string }> {
  const server = await openPostgres({ url: databaseUrl!, poolSize: 2, clock: systemClock });
  try {
    const template = await templateDatabase(server);
    const name = `tollgate_test_${uniqueWord()}`;
    await sql.raw(`create database ${name} template ${template}`).execute(server.maintenance);
    const url = urlOf(name);
    const store = await openPostgres({ url, poolSize: 10, clock: systemClock });
    await renameDeployment(store);
    const drop = async (): Promise<void> => {
      await sql.raw(`drop database ${name} with (force)`).execute(server.maintenance);
      await server.close();
    };
    return Object.assign(disposable(store, drop), { url });
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** The Redis the tests were given, and a prefix that no other test uses; undefined without one. */
export async function testRedis(): Promise<
  ({ readonly redis: RedisDoor; readonly prefix: string; readonly url: string } & AsyncDisposable) | undefined
> {
  if (redisUrl === undefined) return undefined;
  const redis = openRedis({ url: redisUrl, clock: systemClock });
  await redis.ping();
  return { redis, prefix: `test:${uniqueWord()}:`, url: redisUrl, [Symbol.asyncDispose]: redis.close };
}

function disposable(store: Store, cleanUp: () => Promise<void>): TestStore {
  let done: Promise<void> | undefined;
  const close = (): Promise<void> => {
    done ??= store.close().then(cleanUp);
    return done;
  };
  return { ...store, close, [Symbol.asyncDispose]: close };
}

/** A copy of the template is another deployment: in a shared Redis it has counters of its own. */
async function renameDeployment({ db }: Store): Promise<void> {
  await db.updateTable("auth_state").set({ deployment: sql`gen_random_uuid()` }).execute();
}

function uniqueWord(): string {
  return uuidv7(systemClock.now(), systemChance).replaceAll("-", "");
}

function urlOf(database: string): string {
  const url = new URL(databaseUrl!);
  url.pathname = `/${database}`;
  return url.href;
}

/** Changes with every migration and every version of PGlite. */
function templateKey(migrations: readonly Migration[]): string {
  const versions = readFileSync(new URL("../../package.json", import.meta.url), "utf8").match(
    /pglite": "(.*)"/,
  );
  const parts = [versions?.[1], ...migrations.map((migration) => migration.sha256)];
  return createHash("sha256").update(parts.join()).digest("hex").slice(0, 12);
}

/** A migrated folder to copy. Of several processes that make it at once, one keeps its own. */
async function templateFolder(): Promise<string> {
  const migrations = await readMigrations();
  const cache = fileURLToPath(new URL("../../../node_modules/.cache/tollgate/", import.meta.url));
  const template = join(cache, `pglite-${templateKey(migrations)}`);
  if (existsSync(template)) return template;
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "draft-"));
  const store = await openPglite({ folder: join(home, "data"), clock: systemClock, durable: false });
  await migrate(store, migrations);
  await dropSpareDatabases(store);
  await store.close();
  try {
    renameSync(join(home, "data"), template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  }
  rmSync(home, { recursive: true, force: true });
  return template;
}

/** Two thirds of a new folder are databases that only `create database` reads. */
async function dropSpareDatabases(store: Store): Promise<void> {
  await sql`update pg_database set datistemplate = false`.execute(store.maintenance);
  await sql`drop database template0`.execute(store.maintenance);
  await sql`drop database template1`.execute(store.maintenance);
  await sql`checkpoint`.execute(store.maintenance);
}

/** A migrated database to copy, made under a lock and renamed when it is whole. */
async function templateDatabase(server: Store): Promise<string> {
  const migrations = await readMigrations();
  const template = `tollgate_template_${templateKey(migrations)}`;
  await server.maintenance.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(hashtext(${template}))`.execute(connection);
    try {
      const found = await sql`select from pg_database where datname = ${template}`.execute(connection);
      if (found.rows.length > 0) return;
      const draft = `${template}_draft`;
      await sql.raw(`drop database if exists ${draft} with (force)`).execute(connection);
      await sql.raw(`create database ${draft}`).execute(connection);
      const store = await openPostgres({ url: urlOf(draft), poolSize: 1, clock: systemClock });
      await migrate(store, migrations).finally(store.close);
      await sql.raw(`alter database ${draft} rename to ${template}`).execute(connection);
    } finally {
      await sql`select pg_advisory_unlock(hashtext(${template}))`.execute(connection);
    }
  });
  return template;
}
