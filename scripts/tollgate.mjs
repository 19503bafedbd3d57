// Runs a TypeScript file of this repository under the pinned Node, after installing whatever is missing.
// Plain JavaScript that an older Node understands too: this is the first thing a fresh machine executes.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...scriptArguments] = process.argv.slice(2);
// A call's objects die young. Half of Node's own size for these costs some 3 % of CPU and saves 70 MB under load.
const nodeArguments = ["--max-semi-space-size=32"];

function lockedPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : {};
}

/** True if every package of the lock file that this platform needs is installed in its locked version. */
function isInstalled() {
  const wanted = lockedPackages(join(root, "package-lock.json"));
  const installed = lockedPackages(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.includes("node_modules/") || optional || link || installed[path]?.version === version,
  );
}

function install() {
  process.stderr.write("Installing dependencies (first start, or the lock file changed) …\n");
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lock file that leaves out packages of other platforms which a registry does not carry.
  // The lock file decides every version here too, and is not written.
  const args = ["install", "--no-save", "--ignore-scripts", "--loglevel=error", "--no-fund", "--no-audit"];
  const [command, commandArguments] = npm ? [process.execPath, [npm, ...args]] : ["npm", args];
  const { status } = spawnSync(command, commandArguments, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    process.stderr.write("npm install failed; see its messages above.\n");
    process.exit(1);
  }
}

function pinnedNode() {
  const pinned = join(root, "node_modules", ".bin", "node");
  if (existsSync(pinned)) return pinned;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major === 24 && minor >= 14) return process.execPath;
  process.stderr.write(`Tollgate needs Node 24.14 or newer (24.x); this is ${process.version}.\n`);
  process.exit(1);
}

if (!isInstalled()) install();
const nodeCommand = [...nodeArguments, resolve(root, script), ...scriptArguments];
const child = spawn(pinnedNode(), nodeCommand, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
