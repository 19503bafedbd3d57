import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A private PostgreSQL and Redis on loopback, in a temporary folder. They end with this process. */
export type Services = {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly postgresPid: number;
  readonly redisPid: number;
  /** SIGKILL, without a word to its children. Without `durable` its last commits may be lost. */
  killPostgres(): Promise<void>;
  /** Starts it again, on the same port and what is on its disk. */
  restartPostgres(): Promise<void>;
  stop(): Promise<void>;
};

export type ServicesOptions = {
  /** False: commits do not wait for the disk. Faster, and enough where no power is cut. */
  readonly durable?: boolean;
};

const POSTGRES_VERSIONS = "/usr/lib/postgresql";
const START_LIMIT_MS = 30_000;

/** Throws, with what to install, if a program is missing. */
export async function startServices({ durable = false }: ServicesOptions = {}): Promise<Services> {
  const home = mkdtempSync(join(tmpdir(), "tollgate-services-"));
  const children: ChildProcess[] = [];
  const killAll = (): void => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  };
  process.on("exit", killAll);
  const stopListening = onSignals(killAll);
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end));
    killAll();
    process.off("exit", killAll);
    stopListening();
  };

  try {
    const [postgresPort, redisPort] = await freePorts();
    const postgresHome = join(home, "postgres");
    initPostgres(postgresHome);
    let postgres: ChildProcess;
    const runPostgres = async (): Promise<void> => {
      postgres = startPostgres(postgresHome, postgresPort, durable);
      children.push(postgres);
      const isReady = join(postgresPrograms(), "pg_isready");
      await starts(postgres, () => succeeds(isReady, ["-h", "127.0.0.1", "-p", `${postgresPort}`]));
    };
    const redis = startRedis(redisPort);
    children.push(redis);
    await Promise.all([runPostgres(), starts(redis, () => accepts(redisPort))]);
    return {
      databaseUrl: `postgres://postgres@127.0.0.1:${postgresPort}/postgres`,
      redisUrl: `redis://127.0.0.1:${redisPort}`,
      get postgresPid() {
        return postgres.pid!;
      },
      redisPid: redis.pid!,
      async killPostgres() {
        const exited = once(postgres, "exit");
        postgres.kill("SIGKILL");
        await exited;
      },
      restartPostgres: () => eventually(runPostgres),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function initPostgres(home: string): void {
  const identity = unprivileged();
  mkdirSync(home);
  if (identity.uid !== undefined) {
    // PostgreSQL refuses root; its user must be able to reach the folder.
    chownSync(home, identity.uid, identity.gid!);
    chownSync(join(home, ".."), identity.uid, identity.gid!);
  }
  execFileSync(
    join(postgresPrograms(), "initdb"),
    ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D", join(home, "data")],
    {
      ...identity,
      cwd: home,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
}

function startPostgres(home: string, port: number, durable: boolean): ChildProcess {
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: home,
    max_connections: 300,
    log_min_messages: "fatal",
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return spawn(join(postgresPrograms(), "postgres"), ["-D", join(home, "data"), ...flags], {
    ...unprivileged(),
    cwd: home,
    stdio: "ignore",
  });
}

function startRedis(port: number): ChildProcess {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
  } catch (error) {
    throw new Error("redis-server is not installed: apt-get install redis-server", { cause: error });
  }
  const flags = [
    "--port",
    `${port}`,
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--databases",
    "1024",
  ];
  return spawn("redis-server", flags, { stdio: "ignore" });
}

/** The folder of the newest installed version's programs. */
function postgresPrograms(): string {
  try {
    const newest = readdirSync(POSTGRES_VERSIONS).sort((a, b) => Number(b) - Number(a))[0];
    return join(POSTGRES_VERSIONS, newest!, "bin");
  } catch (error) {
    throw new Error("PostgreSQL is not installed: apt-get install postgresql", { cause: error });
  }
}

/** The user and group `postgres` if this process is root. */
function unprivileged(): Pick<SpawnOptions, "uid" | "gid"> {
  if (process.getuid?.() !== 0) return {};
  const entry = readFileSync("/etc/passwd", "utf8").match(/^postgres:[^:]*:(\d+):(\d+):/m);
  if (entry === null) throw new Error("PostgreSQL refuses to run as root, and there is no user postgres");
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

/** Both stay bound until both are known, so they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await once(server.close(), "close");
  return ports as [number, number];
}

async function starts(child: ChildProcess, isUp: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    if (await isUp()) return;
    await pause(20);
  }
  throw new Error(`${child.spawnfile} did not start within ${START_LIMIT_MS} ms`);
}

/** A server that was killed leaves children that must end before another can begin. */
async function eventually(start: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(100);
    }
  }
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  const [code] = await once(spawn(program, args, { stdio: "ignore" }), "exit");
  return code === 0;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** SIGINT is a fast, orderly end for both; a frozen process must be woken to hear it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGCONT");
  child.kill("SIGINT");
  await exited;
}

/** Cleans up before a signal ends this process as it would have anyway. */
function onSignals(cleanUp: () => void): () => void {
  const handle = (signal: NodeJS.Signals): void => {
    cleanUp();
    stop();
    process.kill(process.pid, signal);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  const stop = (): void => {
    for (const signal of signals) process.off(signal, handle);
  };
  for (const signal of signals) process.on(signal, handle);
  return stop;
}
