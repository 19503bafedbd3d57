import { closeSync, fsyncSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

/** errno of EIO in WASI. */
const EIO = 29;

type Options = Parameters<NodeFS["init"]>[1];
type EmscriptenModule = Parameters<NonNullable<Options["preRun"]>[number]>[0];
type Stream = { readonly nfd?: number; readonly node: unknown };
type StreamOps = Record<string, unknown> & { fsync?: (stream: Stream) => number };
type NodeFilesystem = { stream_ops: StreamOps; realPath(node: unknown): string };

/**
 * A folder whose fsync reaches the disk. Emscripten calls `stream_ops.fsync` where a file system has one; NODEFS has
 * none, so as shipped PGlite never syncs and a power cut can take every row. Holds for the pinned version of PGlite.
 */
export class DurableFolder extends NodeFS {
  /** How often a file or directory was synced. */
  syncs = 0;
  readonly #onFailure: (error: unknown) => void;

  /**
   * `onFailure` is called when a sync failed, deep inside the engine, which may then turn in circles: it should end
   * the thread. From then on nothing the engine says is durable.
   */
  constructor(folder: string, onFailure: (error: unknown) => void) {
    super(folder);
    this.#onFailure = onFailure;
  }

  override async init(pg: PGlite, options: Options): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(pg, options);
    // Before the mount, which copies the reference to `stream_ops` into every node it makes.
    const preRun = [(module: EmscriptenModule) => this.#addFsync(module), ...(emscriptenOpts.preRun ?? [])];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }

  #addFsync(module: EmscriptenModule): void {
    const filesystem = (module.FS.filesystems as unknown as { NODEFS: NodeFilesystem }).NODEFS;
    filesystem.stream_ops = {
      ...filesystem.stream_ops,
      fsync: (stream) => this.#fsync(filesystem, stream),
    };
  }

  /** Never throws: an exception that crosses the engine leaves it silently broken. */
  #fsync(filesystem: NodeFilesystem, stream: Stream): number {
    try {
      if (typeof stream.nfd === "number") fsyncSync(stream.nfd);
      else syncPath(filesystem.realPath(stream.node)); // directories have no descriptor of their own
      this.syncs += 1;
      return 0;
    } catch (error) {
      this.#onFailure(error);
      return EIO;
    }
  }
}

/** Makes the content and the names of everything under `folder` durable. */
export function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) syncPath(path);
  }
  syncPath(folder);
}

export function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
