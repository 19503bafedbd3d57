import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

type Tool = {
  readonly name: string;
  /** The Debian or Ubuntu package that brings it. */
  readonly package: string;
  readonly neededBy: "everything" | "tollgate";
};

const tools: readonly Tool[] = [
  { name: "cc", package: "gcc libc6-dev", neededBy: "everything" },
  { name: "wrk", package: "wrk", neededBy: "everything" },
  { name: "redis-server", package: "redis-server", neededBy: "tollgate" },
  { name: "initdb", package: "postgresql", neededBy: "tollgate" },
];

/** A sentence for each tool that is not there and that one of these targets needs. */
export function missingTools(targets: readonly string[]): string[] {
  return tools
    .filter(({ neededBy }) => neededBy === "everything" || targets.includes(neededBy))
    .filter(({ name }) => !folders().some((folder) => existsSync(join(folder, name))))
    .map(({ name, package: brings }) => `${name} is missing: apt-get install ${brings}`);
}

/** PATH, and where Debian hides the programs of PostgreSQL. */
function folders(): string[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, "bin"))
    : [];
  return [...(process.env.PATH ?? "").split(delimiter), ...versions];
}
