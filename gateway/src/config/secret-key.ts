import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chance } from "../lib/ids.ts";
import { SettingsError } from "./environment.ts";
import type { Settings } from "./settings.ts";

const SAMPLES = ["your-super-secret-key-change-this", "changeme", "secret"];

/**
 * The key that every derived secret comes from. The embedded default makes one once and keeps it in the data folder,
 * mode 0600; with a database of its own, several instances must share it, so it must be given.
 */
export function secretKeyOf(settings: Settings, chance: Chance): Buffer {
  const given = settings.SECRET_KEY;
  if (given !== undefined) {
    if (SAMPLES.some((sample) => given.toLowerCase().startsWith(sample))) {
      throw new SettingsError(["SECRET_KEY is a published sample; make one with: openssl rand -hex 32"]);
    }
    return Buffer.from(given);
  }
  if (settings.DATABASE_URL !== undefined || settings.NODE_ENV === "production") {
    throw new SettingsError([
      "SECRET_KEY (at least 32 bytes) is needed; make one with: openssl rand -hex 32",
    ]);
  }
  const file = join(settings.DATA_DIR, "secret-key");
  if (!existsSync(file)) {
    mkdirSync(settings.DATA_DIR, { recursive: true, mode: 0o700 });
    writeFileSync(file, Buffer.from(chance.bytes(32)).toString("hex"), { mode: 0o600, flag: "wx" });
  }
  chmodSync(file, 0o600);
  const kept = readFileSync(file);
  if (kept.length >= 32) return kept;
  throw new SettingsError([`${file} is damaged: it must hold at least 32 bytes`]);
}
