import * as argon2 from "@node-rs/argon2";
import * as bcrypt from "@node-rs/bcrypt";
import type { Chance } from "../lib/ids.ts";
import type { HashGate } from "./hash-gate.ts";

/** Both throw OVERLOADED when the gate is full. */
export type Passwords = {
  /** An argon2id hash (PHC) of the text. */
  hash(text: string): Promise<string>;
  /** `stored`: the user's hash; nothing, or one of an unknown form, matches no text and takes as long to find out. */
  verify(stored: string | null | undefined, text: string): Promise<PasswordCheck>;
};

export type PasswordCheck = {
  readonly matches: boolean;
  /** The hash to keep from now on, in place of the weaker one that matched. */
  readonly upgraded?: string;
};

/** Characters are code points in NFKC; bytes are those of UTF-8 as sent. */
const passwordLength = { minCharacters: 8, maxBytes: 1_024 } as const;

/** OWASP's minimum for argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const BCRYPT = /^\$2[aby]\$\d\d\$[./0-9A-Za-z]{53}$/;

/**
 * An argon2 hash is one of the text in NFKC, so that every keyboard spells a password alike. A bcrypt hash was made
 * elsewhere, of the text exactly as it was sent and no more than 72 bytes of it; its successor binds the whole text.
 */
export function passwords(gate: HashGate): Passwords {
  return {
    hash: (text) => gate(() => hashed(text)),
    verify: (stored, text) => gate(() => verified(stored ?? "", text)),
  };
}

/** Why this text cannot be a new password (I11): its length; there are no other rules. Undefined: it can. */
export function passwordFault(text: string): string | undefined {
  const { minCharacters, maxBytes } = passwordLength;
  if (isTooLong(text)) return `must have at most ${maxBytes} bytes`;
  if ([...normalised(text)].length < minCharacters) return `must have at least ${minCharacters} characters`;
  return undefined;
}

/** A password for somebody who cannot choose one yet: 120 bits of chance. */
export function newPassword(chance: Chance): string {
  return Buffer.from(chance.bytes(15)).toString("base64url");
}

async function verified(stored: string, text: string): Promise<PasswordCheck> {
  const form = formOf(stored);
  if (form === undefined || isTooLong(text)) {
    await hashed("");
    return { matches: false };
  }
  const matches = await (form === "bcrypt"
    ? bcrypt.verify(text, stored)
    : argon2.verify(stored, normalised(text)));
  return matches && form !== "current" ? { matches, upgraded: await hashed(text) } : { matches };
}

function hashed(text: string): Promise<string> {
  return argon2.hash(normalised(text), ARGON2);
}

function formOf(stored: string): "bcrypt" | "current" | "weak" | undefined {
  if (BCRYPT.test(stored)) return "bcrypt";
  if (!stored.startsWith("$argon2")) return undefined;
  try {
    const { memoryCost, timeCost, saltLen, outputLen } = argon2.parseOptions(stored);
    const isCurrent =
      stored.startsWith("$argon2id$v=19$") &&
      memoryCost >= ARGON2.memoryCost &&
      timeCost >= ARGON2.timeCost &&
      saltLen >= SALT_BYTES &&
      outputLen >= TAG_BYTES;
    return isCurrent ? "current" : "weak";
  } catch {
    return undefined;
  }
}

function normalised(text: string): string {
  return text.normalize("NFKC");
}

function isTooLong(text: string): boolean {
  return Buffer.byteLength(text) > passwordLength.maxBytes;
}
