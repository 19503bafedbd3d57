import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { meetsServices } from "./meets-services.ts";
import { startServices } from "./services.ts";

/**
 * `npm test -- [paths] [options of node --test]`: every test, or those in the files and folders named. With
 * `--services` it starts a private PostgreSQL and Redis, and a test that lacks one of them fails instead of being
 * skipped; what tests the embedded default alone, or no database at all, is then left to `npm test`.
 */
const root = join(import.meta.dirname, "..");
/** No test may take longer; one that hangs is a failure. */
const TEST_LIMIT_MS = 180_000;
/** A file that leaves something running never ends by itself. Interrupted, the runner names it. */
const RUN_LIMIT_MS = 720_000;
/** Hundreds of processes load the same modules: the second finds them compiled. */
const compiled = join(root, "node_modules", ".cache", "compiled");
const everywhere = ["gateway/src", "client", "acceptance", "bench", "examples", "scripts"];
const acceptanceOnServices = globSync("acceptance/*services.test.ts", { cwd: root });

const PASSES_ON = /^gateway\/src\/(http|cli|apps)\/|\/pglite/;

const options = process.argv.slice(2);
const withServices = options.includes("--services");
const nodeOptions = options.filter((option) => option.startsWith("-") && option !== "--services");
const paths = options.filter((option) => !option.startsWith("-"));

const files = testFiles(
  paths.length > 0 ? paths : withServices ? [...onServices(), ...acceptanceOnServices] : everywhere,
);
if (files.length === 0) {
  console.error(`No *.test.ts in ${paths.join(", ")}`);
  process.exit(2);
}
process.exitCode = withServices ? await runWithServices() : await run({});

/**
 * The tests of the gateway that open a store. What only passes requests on to the parts that are tested here is left to
 * the acceptance tests, which start whole servers on services; what is about the embedded database, to `npm test`.
 */
function onServices(): readonly string[] {
  return testFiles(["gateway/src"]).filter((file) => {
    const isLeft = PASSES_ON.test(file) && !/\.(pg|redis)\.test\.ts$/.test(file);
    return !isLeft && meetsServices(join(root, file));
  });
}

async function runWithServices(): Promise<number> {
  console.error("Starting PostgreSQL and Redis for the tests …");
  const services = await startServices();
  try {
    return await run({
      TOLLGATE_TEST_DATABASE_URL: services.databaseUrl,
      TOLLGATE_TEST_REDIS_URL: services.redisUrl,
      REQUIRE_SERVICES: "1",
    });
  } finally {
    await services.stop();
  }
}

async function run(environment: Readonly<Record<string, string>>): Promise<number> {
  const flags = [
    "--test",
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${TEST_LIMIT_MS}`,
    "--test-reporter=spec",
    ...nodeOptions,
  ];
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: root,
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, ...environment },
  });
  const timer = setTimeout(() => child.kill("SIGINT"), RUN_LIMIT_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  return code ?? 1;
}

function testFiles(wanted: readonly string[]): readonly string[] {
  const found = wanted.flatMap((path) => {
    if (statSync(resolve(root, path), { throwIfNoEntry: false })?.isFile()) return [path];
    return globSync(`${path.replace(/\/+$/, "")}/**/*.test.ts`, {
      cwd: root,
      exclude: (name) => name === "node_modules" || name.startsWith("."),
    });
  });
  return [...new Set(found)].toSorted();
}
