import { join } from "node:path";
import { type Child, freePort, plainEnvironment, startChild } from "./child.ts";
import type { Cores } from "./cores.ts";
import type { Mock } from "./mock/mock.ts";
import { portkeyHeaders, startPortkey } from "./peers/portkey.ts";
import { type BodyKind, chatBody, type Request } from "./request.ts";
import { startTollgate } from "./tollgate.ts";

/** Something that answers chat requests with what the mock says. */
export type Target = {
  readonly name: TargetName;
  /** The process whose CPU and memory are reported. */
  readonly pid: number;
  /** The services it uses; their CPU is listed apart. */
  readonly databasePid?: number;
  readonly redisPid?: number;
  /** Where its ledger can be read from outside. */
  readonly databaseUrl?: string;
  request(kind: BodyKind): Request;
  stop(): Promise<void>;
};

export type TargetName = keyof typeof starters;

/** What a target is started with. */
export type Stage = {
  readonly mock: Mock;
  readonly cores: Cores | undefined;
  /** Kept between runs: compiled and installed things. */
  readonly buildFolder: string;
  /** Removed after the run. */
  readonly dataFolder: string;
};

type Starter = (stage: Stage) => Promise<Omit<Target, "name">>;

/** Every target, in the order of the tables. */
const starters = {
  direct: async ({ mock }) => ({
    pid: mock.pid,
    request: requestTo(mock.port, "gpt-5.1"),
    stop: async () => {},
  }),
  bare: async ({ mock, cores }) => {
    const port = await freePort();
    const child = await startChild(
      {
        command: process.execPath,
        args: [join(import.meta.dirname, "peers", "bare.ts"), String(port), `http://127.0.0.1:${mock.port}`],
        env: plainEnvironment(),
        core: cores?.gateway,
      },
      () => isListening(port),
    );
    return forwarding(child, requestTo(port, "gpt-5.1"));
  },
  portkey: async ({ mock, cores, buildFolder }) => {
    const port = await freePort();
    const child = await startPortkey(buildFolder, port, cores?.gateway);
    return forwarding(child, requestTo(port, "gpt-5.1", portkeyHeaders(mock.port)));
  },
  tollgate: (stage) => governed(stage, "services"),
  embedded: (stage) => governed(stage, "embedded"),
} satisfies Record<string, Starter>;

export const targetNames = Object.keys(starters) as TargetName[];

/** How a table names a target. */
export const targetTitles: Record<TargetName, string> = {
  direct: "direct to the mock",
  bare: "bare node:http + undici",
  portkey: "Portkey 1.15.2, no governance",
  tollgate: "**Tollgate**, PostgreSQL + Redis",
  embedded: "**Tollgate**, embedded",
};

export async function startTarget(name: TargetName, stage: Stage): Promise<Target> {
  return { name, ...(await starters[name](stage)) };
}

async function governed(stage: Stage, stores: "services" | "embedded"): Promise<Omit<Target, "name">> {
  const { key, port, ...target } = await startTollgate(stage, stores);
  return { ...target, request: requestTo(port, "openai/gpt-5.1", { authorization: `Bearer ${key}` }) };
}

function forwarding(child: Child, request: Target["request"]): Omit<Target, "name"> {
  return { pid: child.pid, request, stop: child.stop };
}

function requestTo(
  port: number,
  model: string,
  headers: Readonly<Record<string, string>> = {},
): Target["request"] {
  return (kind) => ({
    port,
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", authorization: "Bearer sk-upstream", ...headers },
    body: chatBody(model, kind),
  });
}

/** True as soon as something answers there, whatever it says. */
function isListening(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" }).then(
    () => true,
    () => false,
  );
}
