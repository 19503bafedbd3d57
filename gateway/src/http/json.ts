import { isUtf8 } from "node:buffer";
import { type FieldFault, TollgateError } from "../lib/errors.ts";

const MAX_DEPTH = 64;
const MAX_MEMBERS = 100_000;
const MAX_FAULTS = 10;

/**
 * Parses a request body. Throws VALIDATION_FAILED for what JSON or UTF-8 does not allow, for nesting deeper than 64,
 * and for what would mean something else after re-serialising: numbers beyond the exact range and the keys
 * `__proto__` and `constructor.prototype`.
 */
export function parseJson(body: Buffer): unknown {
  const value = parsed(body);
  const walk: Walk = { path: [], members: 0, faults: [], isOver: false };
  inspect(value, walk);
  if (walk.faults.length > 0) throw new TollgateError("VALIDATION_FAILED", { faults: walk.faults });
  return value;
}

function parsed(body: Buffer): unknown {
  try {
    if (isUtf8(body)) return JSON.parse(body.toString());
  } catch {}
  throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "", message: "is not valid JSON" }] });
}

/** Where an inspection is. Texts are made only of what is wrong: nearly always that is nothing. */
type Walk = {
  readonly path: (string | number)[];
  members: number;
  readonly faults: FieldFault[];
  isOver: boolean;
};

function inspect(value: unknown, walk: Walk): void {
  if (typeof value === "number") {
    if (!isExact(value)) note(walk, pathOf(walk), INEXACT);
  } else if (typeof value === "object" && value !== null) {
    if (walk.path.length === MAX_DEPTH) end(walk, `is nested deeper than ${MAX_DEPTH}`);
    else inspectMembers(value, walk);
  }
}

function inspectMembers(value: object, walk: Walk): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && !walk.isOver; index++) enter(index, value[index], walk);
    return;
  }
  for (const name of Object.keys(value)) {
    if (walk.isOver) return;
    enter(name, (value as Record<string, unknown>)[name], walk);
  }
}

function enter(name: string | number, member: unknown, walk: Walk): void {
  walk.members += 1;
  if (walk.members > MAX_MEMBERS) {
    end(walk, `has more than ${MAX_MEMBERS} members`);
    return;
  }
  walk.path.push(name);
  if (name === "__proto__" || (name === "constructor" && hasPrototype(member))) {
    note(walk, pathOf(walk), "is not an allowed name");
  } else inspect(member, walk);
  walk.path.pop();
}

function note(walk: Walk, path: string, message: string): void {
  walk.faults.push({ path, message });
  walk.isOver ||= walk.faults.length === MAX_FAULTS;
}

function end(walk: Walk, message: string): void {
  note(walk, "", message);
  walk.isOver = true;
}

const INEXACT = "is a number outside the range that can be kept exactly";

function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function pathOf({ path }: Walk): string {
  return path.reduce<string>((text, name) => {
    if (typeof name === "number") return `${text}[${name}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");
}
