import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServices } from "../scripts/services.ts";
import { freePort, plainEnvironment, runCommand, startChild } from "./child.ts";
import type { Stage } from "./targets.ts";

export type RunningTollgate = {
  readonly port: number;
  /** An API key of a project that has a budget. */
  readonly key: string;
  readonly pid: number;
  readonly databasePid?: number;
  readonly redisPid?: number;
  readonly databaseUrl?: string;
  stop(): Promise<void>;
};

const repository = join(import.meta.dirname, "..");
const main = join(repository, "gateway", "src", "main.ts");
const NEVER_REACHED = "100000000";

/** Every limit is decided and none refuses. */
const limits = {
  RATE_LIMIT_CHAT_PER_WINDOW: NEVER_REACHED,
  KEY_RATE_LIMIT_PER_MINUTE: NEVER_REACHED,
  KEY_RATE_LIMIT_BURST: NEVER_REACHED,
  IP_RATE_LIMIT_PER_MINUTE: NEVER_REACHED,
  IP_RATE_LIMIT_BURST: NEVER_REACHED,
};

const configFile = `plans:
  default:
    limits:
      requests_per_minute: ${NEVER_REACHED}
      daily_requests: ${NEVER_REACHED}
`;

/** Starts a server with everything on, on private services (fsync on) or with its embedded database. */
export async function startTollgate(
  { mock, cores, dataFolder }: Stage,
  stores: "services" | "embedded",
): Promise<RunningTollgate> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(dataFolder, `${stores}-`));
  const services = stores === "services" ? await startServices({ durable: true }) : undefined;
  if (services !== undefined) stack.defer(() => services.stop());
  const port = await freePort();
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "tollgate.yaml"), configFile);
  const env = {
    ...plainEnvironment(),
    ...limits,
    HOST: "127.0.0.1",
    PORT: String(port),
    DATA_DIR: join(folder, "data"),
    CONFIG_FILE: join(folder, "tollgate.yaml"),
    SECRET_KEY: "a bench key that protects nothing at all",
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: `http://127.0.0.1:${mock.port}/v1`,
    LOG_CALLS: "errors",
    ...(services === undefined ? {} : { DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl }),
  };
  const server = await startChild(
    {
      command: process.execPath,
      args: [...process.execArgv, main, "serve"],
      env,
      cwd: folder,
      core: cores?.gateway,
    },
    () => isReady(port),
  );
  stack.defer(server.stop);
  const key = await issueKey(env);
  const held = stack.move();
  return {
    port,
    key,
    pid: server.pid,
    ...(services === undefined
      ? {}
      : {
          databasePid: services.postgresPid,
          redisPid: services.redisPid,
          databaseUrl: services.databaseUrl,
        }),
    stop: () => held.disposeAsync(),
  };
}

/** While the server runs: the default user exists from its first start on. */
async function issueKey(env: Record<string, string>): Promise<string> {
  const tollgate = async <T>(...args: string[]) => {
    const output = await runCommand({ command: process.execPath, args: [main, ...args, "--json"], env });
    return JSON.parse(output) as T;
  };
  const project = await tollgate<{ id: number }>(
    "projects",
    "create",
    "--name",
    "bench",
    "--budget",
    "1000000",
  );
  const { key } = await tollgate<{ key: string }>(
    ...["keys", "issue", "--name", "bench", "--daily-quota", "1000000000", "--project", String(project.id)],
  );
  return key;
}

function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    (answer) => answer.status === 200,
    () => false,
  );
}
