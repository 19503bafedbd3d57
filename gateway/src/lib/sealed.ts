import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Chance } from "./ids.ts";
import { hmacSha256 } from "./secrets.ts";

/**
 * Secrets as they may lie in a database (AES-256-GCM). Each has a random data key of its own, which is wrapped by a key
 * that is kept elsewhere. The context says what the secret is for and is authenticated: moved to another place, a
 * sealed secret does not open.
 *
 *     version (1 byte), id of the wrapping key (8), wrapped data key (60), secret (28 and its own length)
 */
export type WrappingKeys = readonly Uint8Array[];

/** The wrapping key is not here, or the sealed secret is not as it was made. */
export class SealBroken extends Error {
  override readonly name = "SealBroken";
}

const VERSION = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const DATA_KEY_BYTES = 32;
const TAG_BYTES = 16;
const WRAPPED_AT = 1 + KEY_ID_BYTES;
const SECRET_AT = WRAPPED_AT + NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES;

/** Seals by the first of the keys, 32 bytes each. */
export function seal(chance: Chance, keys: WrappingKeys, plaintext: string, context: string): Buffer {
  const dataKey = chance.bytes(DATA_KEY_BYTES);
  const secret = encrypted(chance, dataKey, Buffer.from(plaintext), secretContext(context));
  return Buffer.concat([wrapped(chance, keys, dataKey, context), secret]);
}

/** Opens by whichever of the keys has sealed it. Throws SealBroken. */
export function open(keys: WrappingKeys, sealed: Uint8Array, context: string): string {
  const dataKey = unwrapped(keys, sealed, context);
  return decrypted(dataKey, sealed.subarray(SECRET_AT), secretContext(context)).toString();
}

export function isSealedByOldKey(keys: WrappingKeys, sealed: Uint8Array): boolean {
  return !keyIdOf(keys[0]!).equals(sealed.subarray(1, WRAPPED_AT));
}

/** The same secret, sealed by the first of the keys; it is not opened for that. Throws SealBroken. */
export function rewrap(chance: Chance, keys: WrappingKeys, sealed: Uint8Array, context: string): Buffer {
  const dataKey = unwrapped(keys, sealed, context);
  return Buffer.concat([wrapped(chance, keys, dataKey, context), sealed.subarray(SECRET_AT)]);
}

function wrapped(chance: Chance, keys: WrappingKeys, dataKey: Uint8Array, context: string): Buffer {
  const head = Buffer.concat([Buffer.of(VERSION), keyIdOf(keys[0]!)]);
  return Buffer.concat([head, encrypted(chance, keys[0]!, dataKey, wrapContext(head, context))]);
}

function unwrapped(keys: WrappingKeys, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < SECRET_AT + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
    throw new SealBroken("this is no sealed secret");
  }
  const head = sealed.subarray(0, WRAPPED_AT);
  const key = keys.find((known) => keyIdOf(known).equals(head.subarray(1)));
  if (key === undefined) throw new SealBroken("the key that has sealed it is not here");
  return decrypted(key, sealed.subarray(WRAPPED_AT, SECRET_AT), wrapContext(head, context));
}

/** Says which key it was and nothing about the key. */
function keyIdOf(key: Uint8Array): Buffer {
  return hmacSha256(key, "tollgate/sealed/key-id").subarray(0, KEY_ID_BYTES);
}

function wrapContext(head: Uint8Array, context: string): Buffer {
  return Buffer.concat([Buffer.from("tollgate/sealed/data-key\0"), head, Buffer.from(context)]);
}

function secretContext(context: string): Buffer {
  return Buffer.from(`tollgate/sealed/secret/v${VERSION}\0${context}`);
}

/** Nonce, ciphertext, tag. */
function encrypted(chance: Chance, key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): Buffer {
  const nonce = chance.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(context);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypted(key: Uint8Array, box: Uint8Array, context: Uint8Array): Buffer {
  const nonce = box.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(context)
    .setAuthTag(box.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SealBroken("it is not as it was sealed, or not where", { cause });
  }
}
