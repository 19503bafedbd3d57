import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { documentFaults, readDocuments } from "./documents.ts";
import { staleDocuments } from "./generate-docs.ts";

/** `npm run check`: what must hold before any test runs. Every step runs; exit code 1 if one of them failed. */
const root = join(import.meta.dirname, "..");

type Outcome = { readonly passed: boolean; readonly output: string };

const architecture = ["gateway/src/architecture.test.ts", "client/src/architecture.test.ts"];

const steps: Readonly<Record<string, () => Promise<Outcome>>> = {
  types: () => command(program("tsc"), ["-p", "."]),
  "types of the client without Node": () => command(program("tsc"), ["-p", "client", "--noEmit"]),
  lint: () => command(program("biome"), ["ci", "--colors=off", "."]),
  architecture: () => command(process.execPath, ["--test", "--test-reporter=spec", ...architecture]),
  "generated documents": async () =>
    faultless((await staleDocuments(root)).map((path) => `${path} is not what its table says: npm run docs`)),
  documents: async () => faultless(documentFaults(root, readDocuments(root))),
};

const failed: string[] = [];
for (const [name, run] of Object.entries(steps)) {
  const startedAt = performance.now();
  const { passed, output } = await run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${passed ? "✔" : "✖"} ${name} (${seconds} s)`);
  if (passed) continue;
  failed.push(name);
  console.log(output.trimEnd().replace(/^/gm, "    "));
}
console.log(failed.length === 0 ? "all checks passed" : `failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function program(name: string): string {
  return join(root, "node_modules/.bin", name);
}

async function command(file: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { passed: code === 0, output };
}

function faultless(faults: readonly string[]): Outcome {
  return { passed: faults.length === 0, output: faults.join("\n") };
}
