/** Bytes added one after the other, in one buffer that doubles, so that adding n bytes costs n. */
export class Gathering {
  #buffer = Buffer.alloc(0);
  length = 0;

  /** Everything gathered so far. */
  add(bytes: Buffer): Buffer {
    const length = this.length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.length);
    this.length = length;
    return this.#buffer.subarray(0, length);
  }

  /** Everything, leaving nothing. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = Buffer.alloc(0);
    this.length = 0;
    return taken;
  }
}
