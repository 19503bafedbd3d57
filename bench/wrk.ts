import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { plainEnvironment, runCommand } from "./child.ts";
import type { Request } from "./request.ts";

export type WrkResult = {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with a status of 400 or more, and connections that failed. */
  readonly errors: number;
};

type WrkRun = {
  readonly request: Request;
  readonly connections: number;
  readonly seconds: number;
  /** For the script and the body. */
  readonly folder: string;
  readonly core: string | undefined;
};

/** Loads a target with the same POST for some seconds, over `connections` kept alive. */
export async function runWrk({ request, connections, seconds, folder, core }: WrkRun): Promise<WrkResult> {
  const bodyFile = join(folder, "body.json");
  const script = join(folder, "post.lua");
  await writeFile(bodyFile, request.body);
  await writeFile(script, luaScript(request.headers, bodyFile));
  const url = `http://127.0.0.1:${request.port}${request.path}`;
  const args = ["-t", "1", "-c", `${connections}`, "-d", `${seconds}s`, "-s", script, url];
  return parseWrk(await runCommand({ command: "wrk", args, env: plainEnvironment(), core }));
}

/** JSON string literals of ASCII text are Lua string literals as well. */
function luaScript(headers: Readonly<Record<string, string>>, bodyFile: string): string {
  return `
wrk.method = "POST"
local file = io.open(${JSON.stringify(bodyFile)}, "rb")
wrk.body = file:read("*a")
file:close()
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join("\n")}
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status, failed))
end
`;
}

/** Reads the line that the script prints: requests, µs, p50 µs, p99 µs, refused, failed. */
export function parseWrk(output: string): WrkResult {
  const line = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (line === null) throw new Error(`wrk printed no result:\n${output}`);
  const [requests, durationUs, p50Us, p99Us, refused, failed] = line.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    requests,
    seconds: durationUs / 1e6,
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    errors: refused + failed,
  };
}
