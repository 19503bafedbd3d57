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
  const faults: FieldFault[] = [];
  inspect(value, faults);
  if (faults.length > 0) throw new TollgateError("VALIDATION_FAILED", { faults });
  return value;
}

function parsed(body: Buffer): unknown {
  try {
    if (isUtf8(body)) return JSON.parse(body.toString());
  } catch {}
  throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "", message: "is not valid JSON" }] });
}

type Visit = { readonly value: object; readonly path: string; readonly depth: number };

function inspect(root: unknown, faults: FieldFault[]): void {
  if (typeof root === "number" && !isExact(root)) faults.push({ path: "", message: INEXACT });
  if (typeof root !== "object" || root === null) return;
  const open: Visit[] = [{ value: root, path: "", depth: 1 }];
  let members = 0;
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { value, depth } = visit;
    const isArray = Array.isArray(value);
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      if (faults.length >= MAX_FAULTS) return;
      members += 1;
      if (members > MAX_MEMBERS) {
        faults.push({ path: "", message: `has more than ${MAX_MEMBERS} members` });
        return;
      }
      const member = (value as Record<string, unknown>)[key];
      if (key === "__proto__" || (key === "constructor" && hasPrototype(member))) {
        faults.push({ path: pathOf(visit, key, isArray), message: "is not an allowed name" });
      } else if (typeof member === "number" && !isExact(member)) {
        faults.push({ path: pathOf(visit, key, isArray), message: INEXACT });
      } else if (typeof member === "object" && member !== null) {
        if (depth >= MAX_DEPTH) {
          faults.push({ path: "", message: `is nested deeper than ${MAX_DEPTH}` });
          return;
        }
        open.push({ value: member, path: pathOf(visit, key, isArray), depth: depth + 1 });
      }
    }
  }
}

const INEXACT = "is a number outside the range that can be kept exactly";

function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function pathOf({ path }: Visit, key: string, isArray: boolean): string {
  if (isArray) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}
