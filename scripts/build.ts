import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * `npm run build`: the gateway as it is published, JavaScript and types in `gateway/dist`, with the files that it reads
 * beside them. Node strips no types below node_modules.
 */
const root = join(import.meta.dirname, "..");
const gateway = join(root, "gateway");
const dist = join(gateway, "dist");

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", gateway], { stdio: "inherit" });
if (status === 0) {
  for (const path of globSync(["**/*.sql", "**/*.json"], { cwd: join(gateway, "src") })) {
    cpSync(join(gateway, "src", path), join(dist, path));
  }
  chmodSync(join(dist, "main.js"), 0o755);
}
process.exitCode = status ?? 1;
