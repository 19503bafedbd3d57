import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, plainEnvironment, runCommand, startChild } from "../child.ts";

const PACKAGE = "@portkey-ai/gateway";
const VERSION = "1.15.2";

/** Portkey's gateway as npm delivers it, with none of its governance on. It can only listen on every address. */
export async function startPortkey(
  buildFolder: string,
  port: number,
  core: string | undefined,
): Promise<Child> {
  const program = join(await installed(buildFolder), "build", "start-server.js");
  return startChild(
    {
      command: process.execPath,
      args: [program, "--headless", `--port=${port}`],
      env: { ...plainEnvironment(), NODE_ENV: "production" },
      core,
    },
    () => answers(port),
  );
}

/** The headers that send a call to an upstream in OpenAI's format. */
export function portkeyHeaders(upstreamPort: number): Record<string, string> {
  return {
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `http://127.0.0.1:${upstreamPort}/v1`,
  };
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}

/** The folder of the package, installed without running anybody's scripts if it is not there yet. */
async function installed(buildFolder: string): Promise<string> {
  const prefix = join(buildFolder, "portkey");
  const folder = join(prefix, "node_modules", PACKAGE);
  if (versionIn(folder) === VERSION) return folder;
  mkdirSync(prefix, { recursive: true });
  await runCommand({
    command: "npm",
    args: [
      "install",
      "--prefix",
      prefix,
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      `${PACKAGE}@${VERSION}`,
    ],
    env: { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` } as Record<
      string,
      string
    >,
    cwd: prefix,
  });
  if (versionIn(folder) !== VERSION) throw new Error(`npm did not install ${PACKAGE} ${VERSION}`);
  return folder;
}

function versionIn(folder: string): string | undefined {
  const file = join(folder, "package.json");
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
    : undefined;
}
